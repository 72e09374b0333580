"""The range that a shop is told: at 1 of 10 blogs it is earlier, at 1 of 10 later.

The middle is the model's (`course`, `places`). How far it may be off is a distance on each side, from what is not known of the
pace, of seats and of others' next requests; `calibration` widens or narrows both by what became of the last promises.

No range holds an outage that has not begun. One wide enough for it would say nothing on all other days, so blogs that were asked
for before an outage end later than they were told, and a look at them (GET) gets a new range. While a provider is out no time is
named. The benchmark `eta` counts those before an outage by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from blogs.models import BlogGeneration, Stage, Status
from blogs.queue.forecast import own_limits
from blogs.queue.forecast import places as line
from blogs.queue.forecast.calibration import Forecast
from blogs.queue.forecast.learned import learned
from blogs.queue.forecast.outlook import Outlook, outlook
from blogs.queue.forecast.places import Places

# What a blog waits for where no time can be named, besides a provider's name.
LINE_PAUSED, ALL_PAUSED, WORKERS = "line_paused", "all_paused", "workers"

# By so much of the wait a start is off, in distances to the tenth: what is measured, and what is only expected.
_MEASURED, _EXPECTED = 0.06, 0.1
# When a seat is free is off by so much of a blog's seconds besides.
_A_SEAT = 0.09
# By so much of the whole time an end is off besides, where blogs wait for the limits on their seats.
_OF_THE_END = 0.09
# By so much of the whole time either is off where limits of the site's own keep it back, clearly beyond what all others wait for.
_OF_ITS_OWN, _CLEARLY = 0.17, 1.05
# A worker that is free takes a blog within this many seconds.
_PICKED_UP_SECONDS = 1.0
# How often it is looked what comes while a blog waits, which makes it wait for longer, in which more comes.
_STEPS = 5


class Joining(NamedTuple):
    blogs: float
    before: Mapping[int, float]
    """Each place in the site's own line."""


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
    told_start: Forecast | None = None
    """The forecasts behind the ranges, where what was measured allows to learn from them; none of a start at once."""
    told_end: Forecast | None = None


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
    joining = _joining(found, seen, open_ones[0].site_id) if found else []
    return {each.pk: _of(each, found, seen, joining, (since or {}).get(each.pk)) for each in open_ones}


def seconds_for(blogs: int) -> float:
    """Return the seconds in which that many blogs start, at the pace that the limits allow."""
    return blogs / learned().a_second()


def _joining(found: Places, seen: Outlook, site: int) -> Sequence[Joining]:
    """Say how many blogs others go on to ask for, at 1 of 10, at the half and at 9 of 10, and how many of them start before each
    place in line.

    What is asked for after the last of my blogs has started is not counted.
    """
    others = len(seen.came.of) - (site in seen.came.of)
    # A full queue takes as many as leave it.
    room = max(0, settings.BLOG_QUEUE_LIMIT - found.lines.of_others - found.lines.mine.waiting)
    last = max(found.of.values(), default=1)
    asked_for = list[float]()
    for part in seen.came.goes_on(at_most=settings.BLOG_QUEUE_LIMIT):
        blogs = 0.0
        for _ in range(_STEPS):
            within = seen.course.start(last + round(blogs))
            leave = min(within, part * seen.came.seconds) / seen.course.pace
            blogs = min(room + leave, seen.came.more(part, within, but_of=site))
        asked_for.append(blogs)
    joining = found.lines.joining(asked_for, others, found.in_line.values())
    return [Joining(blogs, before) for blogs, before in zip(asked_for, joining, strict=True)]


def _of(
    generation: BlogGeneration, found: Places | None, seen: Outlook, joining: Sequence[Joining], since: datetime | None
) -> Estimate:
    if generation.status == Status.PROCESSING:
        return _running(generation, seen, since)
    if not generation.ready:
        return Estimate(waits_for=generation.waits_for)
    place = found.of.get(generation.pk) if found else None
    if found is None or place is None:
        return Estimate()
    in_line = found.in_line[generation.pk]
    # Counted from when the seats were looked at: blogs that have started since are no longer in line.
    started = found.processing - seen.processing
    nth = place + round(found.ties[in_line]) + started
    early, middle, late = (
        own_limits.start(nth + round(more.before[in_line]), in_line, more.blogs, found, seen) for more in joining
    )
    is_kept_back = middle > seen.course.start(nth + round(joining[1].before[in_line])) * _CLEARLY
    start = _start(early, middle, late, is_kept_back, seen)
    waits_for = _hindered(found, seen)
    if waits_for:
        return Estimate(place, start.middle, waits_for=waits_for)
    own_end = own_limits.end(in_line, found.first + started, joining[1].blogs, found, seen)
    end = _end(start, nth + round(joining[1].before[in_line]), seen, own_end)
    now, lately = seen.now(), seen.learned
    return Estimate(
        place,
        start.middle,
        _range(now, start.fitted(lately.starts) if start.middle else start),
        _range(now, end.fitted(lately.ends)),
        told_start=start if lately.measured and start.middle else None,
        told_end=end if lately.measured else None,
    )


def _range(now: datetime, span: Forecast) -> Range:
    early = max(0.0, span.middle - span.before)
    return Range(now + timedelta(seconds=early), now + timedelta(seconds=max(early, span.middle + span.behind)))


def _hindered(found: Places, seen: Outlook) -> str:
    if found.all_paused:
        return ALL_PAUSED
    if found.paused:
        return LINE_PAUSED
    if seen.out:
        return seen.out[0]
    return "" if seen.threads else WORKERS


def _start(early: float, middle: float, late: float, is_kept_back: bool, seen: Outlook) -> Forecast:
    if not middle:
        return Forecast(0.0, 0.0, _PICKED_UP_SECONDS)
    _, work, _ = seen.learned.work(Stage.PRODUCTS)
    share = _OF_ITS_OWN if is_kept_back else _MEASURED if seen.learned.measured else _EXPECTED
    off = math.hypot(middle * share, work * _A_SEAT)
    return Forecast(middle, math.hypot(middle - early, off), math.hypot(late - middle, off) + _PICKED_UP_SECONDS)


def _end(start: Forecast, nth: int, seen: Outlook, own_end: float) -> Forecast:
    """Add what is left after the start: by the course, or where it takes longer by the limit of the site's own."""
    low, middle, high = seen.learned.work(Stage.PRODUCTS)
    by_course = start.middle + seen.course.end(nth) - seen.course.start(nth)
    end = max(by_course, own_end)
    off = end * (_OF_ITS_OWN if own_end > by_course * _CLEARLY else _OF_THE_END)
    return start.then(Forecast(end - start.middle, math.hypot(middle - low, off), math.hypot(high - middle, off)))


def _running(generation: BlogGeneration, seen: Outlook, since: datetime | None) -> Estimate:
    if seen.out:
        return Estimate(waits_for=seen.out[0])
    now = seen.now()
    low, middle, high = seen.learned.work(generation.stage)
    spent = max(0.0, (now - since).total_seconds()) if since else 0.0
    left = max(middle - spent, (high - middle) / 2)
    if generation.stage in (Stage.PRODUCTS, Stage.IDEA, Stage.IMAGE_ORDER):
        left += seen.course.text_waits
    off = left * _OF_THE_END
    told = Forecast(left, math.hypot(min(left, middle - low), off), math.hypot(high - middle, off))
    return Estimate(end=_range(now, told))
