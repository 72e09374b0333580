"""The range that a shop is told: at 1 of 10 blogs it is earlier, at 1 of 10 later."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from blogs.models import BlogGeneration, Stage, Status
from blogs.queue.forecast import places as line
from blogs.queue.forecast.learned import learned
from blogs.queue.forecast.outlook import Outlook, outlook
from blogs.queue.forecast.places import Places

# What a blog waits for where no time can be named, besides a provider's name.
LINE_PAUSED, ALL_PAUSED, WORKERS = "line_paused", "all_paused", "workers"

# By so much of the wait a start is off, in standard deviations: what is measured, and what is only expected.
_MEASURED, _EXPECTED = 0.15, 0.16
# When a seat is free is off by so much of a blog's seconds besides.
_A_SEAT = 0.1
# By so much of the whole time an end is off besides, where blogs wait for the limits on their seats.
_OF_THE_END = 0.1
# A worker that is free takes a blog within this many seconds.
_PICKED_UP_SECONDS = 1.0
# Between the tenths of a normal distribution and its middle.
_TENTH = 1.28


@dataclass(frozen=True, slots=True)
class Range:
    early: datetime
    late: datetime


@dataclass(frozen=True, slots=True)
class Estimate:
    position: int | None = None
    wait: float | None = None
    """Seconds until the start, as the middle of its range."""
    start: Range | None = None
    end: Range | None = None
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds from now: the middle, and the distances to the tenths."""

    middle: float
    before: float
    behind: float

    def then(self, other: Spread) -> Spread:
        """Add what comes after it and spreads by itself."""
        return Spread(
            self.middle + other.middle, math.hypot(self.before, other.before), math.hypot(self.behind, other.behind)
        )

    def range(self, now: datetime) -> Range:
        early, late = max(0.0, self.middle - self.before), self.middle + self.behind
        return Range(now + timedelta(seconds=early), now + timedelta(seconds=late))


def estimates(
    generations: Sequence[BlogGeneration], since: Mapping[int, datetime] | None = None
) -> dict[int, Estimate]:
    """Estimate blogs of one site, each by its number. `since`: when each changed last."""
    open_ones = [each for each in generations if not each.is_finished]
    if not open_ones:
        return {}
    in_line = [each for each in open_ones if each.ready]
    found = line.places(in_line) if in_line else None
    seen = outlook()
    return {each.pk: _of(each, found, seen, (since or {}).get(each.pk)) for each in open_ones}


def seconds_for(blogs: int) -> float:
    """Return the seconds in which that many blogs start, at the pace that the limits allow."""
    return blogs / learned().a_second


def _of(generation: BlogGeneration, found: Places | None, seen: Outlook, since: datetime | None) -> Estimate:
    if generation.status == Status.PROCESSING:
        return _running(generation, seen, since)
    if not generation.ready:
        return Estimate(waits_for=generation.waits_for)
    place = found.of.get(generation.pk) if found else None
    if found is None or place is None:
        return Estimate()
    start = _start(generation, place, found, seen)
    waits_for = _hindered(found, seen)
    if waits_for:
        return Estimate(place, start.middle, waits_for=waits_for)
    now = seen.now()
    end = start.then(_work(generation, place, found, seen))
    return Estimate(place, start.middle, start.range(now), end.range(now))


def _hindered(found: Places, seen: Outlook) -> str:
    if found.all_paused:
        return ALL_PAUSED
    if found.paused:
        return LINE_PAUSED
    if seen.out:
        return seen.out[0]
    return "" if seen.threads else WORKERS


def _start(generation: BlogGeneration, place: int, found: Places, seen: Outlook) -> Spread:
    """Count in what other sites go on to ask for: as many as lately start before it at the latest, half of them at the middle."""
    nth = _nth(place, found, seen)
    more = seen.came * found.open_to_others[found.in_line[generation.pk]]
    first, middle, last = (seen.course.start(nth + round(more * share)) for share in (0.0, 0.5, 1.0))
    if not middle:
        return Spread(0.0, 0.0, _PICKED_UP_SECONDS)
    _, work, _ = seen.learned.work(Stage.PRODUCTS)
    off = _TENTH * math.hypot(middle * (_MEASURED if seen.learned.measured else _EXPECTED), work * _A_SEAT)
    return Spread(middle, math.hypot(middle - first, off), math.hypot(last - middle, off) + _PICKED_UP_SECONDS)


def _nth(place: int, found: Places, seen: Outlook) -> int:
    """Count from when the seats were looked at: blogs that have started since are no longer in line."""
    return max(1, place + found.processing - seen.processing)


def _work(generation: BlogGeneration, place: int, found: Places, seen: Outlook) -> Spread:
    nth = _nth(place, found, seen)
    low, middle, high = seen.learned.work(Stage.PRODUCTS)
    end = seen.course.end(nth)
    off = _TENTH * end * _OF_THE_END
    return Spread(end - seen.course.start(nth), math.hypot(middle - low, off), math.hypot(high - middle, off))


def _running(generation: BlogGeneration, seen: Outlook, since: datetime | None) -> Estimate:
    if seen.out:
        return Estimate(waits_for=seen.out[0])
    now = seen.now()
    low, middle, high = seen.learned.work(generation.stage)
    spent = max(0.0, (now - since).total_seconds()) if since else 0.0
    left = max(middle - spent, (high - middle) / 2)
    if generation.stage in (Stage.PRODUCTS, Stage.IDEA, Stage.IMAGE_ORDER):
        left += seen.text_waits
    off = _TENTH * left * _OF_THE_END
    return Estimate(
        end=Spread(left, math.hypot(min(left, middle - low), off), math.hypot(high - middle, off)).range(now)
    )
