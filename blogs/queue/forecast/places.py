"""Where waiting blogs stand in the fair order: by their place in their own line, and by the turns of all the others.

Before a blog go, in the lines of other sites, the starts with a lower turn, and in its own line the blogs that the claim takes
earlier. A line behind the clock goes on at the clock. Retries and blogs put first move a few: a forecast, not a promise.

The other lines are the same for each who asks. Where many wait, a process reads them once a moment, and a blog's statement reads
its own line alone.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from blogs.models import BlogGeneration
from workers.context.process_memory import remembered
from workers.database.prepared import Prepared
from workers.database.rows import plain

# Where fewer groups of lines wait than this, each statement reads them itself: it takes a tenth of a millisecond.
_FEW = 50
# Reading many may take this share of a process's time, and this is how many seconds old what was read may be.
_SHARE, _OLDEST_SECONDS = 0.02, 3.0
# A turn is rounded to this, or the thirds of a step would make a group of each line.
_SAME = 0.001
# How many steps of arithmetic a list may take; past them, the places between some are interpolated.
_STEPS_MAX = 20_000
# Of more groups of lines than this, every second, third, ... stands for the others where blogs are counted that may come.
_SAMPLED = 500

# Lines that stand alike are one row, with their number, and how many of them go before mine at the same turn.
_OTHERS = f"""
SELECT coalesce(jsonb_agg(jsonb_build_array(turn, step, waiting, lines, first)), '[]') FROM (
    SELECT greatest(round(l.turn / {_SAME}) * {_SAME}, clock.turn) AS turn, l.step, l.waiting, count(*) AS lines,
           count(*) FILTER (WHERE l.site_id < %(site)s) AS first
      FROM blogs_siteline l, blogs_queueclock clock WHERE l.waiting > 0 AND NOT l.paused
     GROUP BY 1, 2, 3) AS alike
"""
_MINE = """
SELECT greatest(l.turn, clock.turn), l.step, l.waiting, l.paused, clock.paused_at IS NOT NULL, clock.turn,
       running.blogs, running.mine,
       CASE WHEN %(others)s THEN ({others}) END, {places}
  FROM blogs_siteline l, blogs_queueclock clock,
       (SELECT count(*) AS blogs, count(*) FILTER (WHERE site_id = %(site)s) AS mine
          FROM blog_generations WHERE status = 'PROCESSING') AS running
 WHERE l.site_id = %(site)s
"""
# Of one blog: how many of its line the claim takes no later.
_PLACE = """(
    SELECT jsonb_build_object(%(id)s::bigint, count(*)) FROM (
        SELECT 1 FROM blog_generations g
         WHERE g.site_id = l.site_id AND g.ready
           AND (g.priority, (g.started_at IS NULL), g.id) <= (%(priority)s, %(fresh)s, %(id)s) LIMIT %(limit)s) AS before)
"""
# Of several blogs of a line. One that has left it meanwhile has no place.
_PLACES = """(
    SELECT coalesce(jsonb_object_agg(id, place), '{{}}') FROM (
        SELECT id, row_number() OVER (ORDER BY priority, (started_at IS NULL), id) AS place
          FROM blog_generations WHERE site_id = l.site_id AND ready
         ORDER BY priority, (started_at IS NULL), id LIMIT %(limit)s) AS line
     WHERE id = ANY(%(ids)s))
"""
# Each answer to a request for a blog has it.
_OF_ONE = Prepared("place", _MINE.format(others=_OTHERS, places=_PLACE))
_OF_SEVERAL = _MINE.format(others=_OTHERS, places=_PLACES.format())


class Alike(NamedTuple):
    """Lines that stand alike: each has the same number of blogs, from `turn` on, by `step`."""

    turn: float
    step: float
    waiting: int
    lines: int
    first: float = 0.0
    """How many of them go before mine at the same turn."""


def _starts_before(turn: float, groups: Sequence[Alike]) -> int:
    """Count the starts of all these lines with a lower turn; the same turn counts as later."""
    # Unpacked, since it is done for each request among hundreds of groups.
    ahead = turn - 2 * _SAME
    return sum(
        lines * min(waiting, math.ceil((ahead - first_turn) / step))
        for first_turn, step, waiting, lines, _ in groups
        if first_turn < ahead
    )


def _ties_with(turn: float, groups: Sequence[Alike]) -> float:
    """Count those of these lines that have a start at that very turn, and go before mine then."""
    ties = 0.0
    for first_turn, step, waiting, _, first in groups:
        steps = round((turn - first_turn) / step)
        if 0 <= steps < waiting and abs(first_turn + steps * step - turn) <= 2 * _SAME:
            ties += first
    return ties


class Lines(NamedTuple):
    """My line, those that wait, mine among them, and the turn at which a line goes on that was empty."""

    mine: Alike
    all: Sequence[Alike]
    clock: float
    of_others: int
    """How many blogs wait in the lines of others."""
    others: int
    """In how many lines."""

    @classmethod
    def of(cls, mine: Alike, found: Sequence[Alike], clock: float) -> Lines:
        blogs = sum([waiting * lines for _, _, waiting, lines, _ in found]) - mine.waiting
        return cls(mine, found, clock, max(0, blogs), sum([lines for *_, lines, _ in found]) - (mine.waiting > 0))

    def joining(self, blogs: Sequence[float], sites: int, in_line: Collection[int]) -> list[dict[int, float]]:
        """Count for each of these places in my line the starts before it of `blogs` that `sites` other sites go on to ask for: for
        each number of blogs by itself.

        A line gets as large a part of them as it has of what waits; one that is empty, as if one blog waited in it. It is counted
        for the first and the last place, and interpolated between them.
        """
        empty = max(0, sites - self.others)
        shares = [each / max(self.of_others + empty, 1) for each in blogs]
        lowest, highest = min(in_line, default=1), max(in_line, default=1)
        first = self._joined_before(lowest, shares, empty)
        last = self._joined_before(highest, shares, empty) if highest > lowest else first
        return [
            {place: low + (high - low) * (place - lowest) / max(highest - lowest, 1) for place in in_line}
            for low, high in zip(first, last, strict=True)
        ]

    def _joined_before(self, place: int, shares: Sequence[float], empty: int) -> list[float]:
        """Count the starts before this place in my line of blogs that join now; a line gets a share for each that waits in it."""
        every = max(1, -(-len(self.all) // _SAMPLED))
        # Nothing joins my own line before a blog that stands in it.
        turn = self.mine.turn + (place - 1) * self.mine.step
        counted = [
            (lines, waiting, turns)
            for first_turn, step, waiting, lines, _ in self.all[::every]
            if (turns := (turn - first_turn) / step - waiting) > 0
        ]
        of_empty = max(0.0, turn - self.clock)
        return [
            every * sum(lines * min(share * waiting, turns) for lines, waiting, turns in counted)
            + empty * min(share, of_empty)
            for share in shares
        ]


@dataclass(slots=True)
class _Others:
    """All lines that wait, as they were read last."""

    groups: list[Alike] = field(default_factory=list)
    read_at: float = float("-inf")
    keeps: float = 0.0

    def clear(self) -> None:
        self.read_at, self.keeps = float("-inf"), 0.0


_others = remembered(_Others())
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Places:
    """Where blogs of one site stand, each by its number, and what was seen on the way."""

    of: dict[int, int]
    in_line: dict[int, int]
    """Within the site's own line."""
    ties: dict[int, float]
    """How many of other sites start before the blog that has this place in its own line, at the same turn as it."""
    first: int
    """The place of the first of the site's own line."""
    lines: Lines
    paused: bool
    all_paused: bool
    processing: int
    """How many blogs of all sites run."""
    mine: int
    """And how many of this site."""


def queue_position(generation: BlogGeneration) -> int:
    """Return its place among all that wait: 1 starts next; 0 means that it is in no line."""
    found = places([generation])
    return found.of.get(generation.pk, 0) if found else 0


def queue_positions(generations: Sequence[BlogGeneration]) -> dict[int, int]:
    """Return the places of blogs of one site that wait in its line, each by the blog's number."""
    found = places(generations) if generations else None
    return found.of if found else {}


def places(generations: Sequence[BlogGeneration]) -> Places | None:
    """Look blogs of one site up, in one statement. None: the site has no line yet."""
    now = time.monotonic()
    asked: dict[str, Any] = {
        "site": generations[0].site_id,
        "limit": settings.BLOG_QUEUE_LIMIT,
        "others": now - _others.read_at >= _others.keeps,
        "ids": [each.pk for each in generations],
    }
    if len(generations) == 1:
        (one,) = generations
        asked |= {"id": one.pk, "priority": one.priority, "fresh": one.started_at is None}
    with connection.cursor() as cursor:
        if len(generations) == 1:
            _OF_ONE.execute(cursor, asked)
        else:
            cursor.execute(_OF_SEVERAL, asked)
        row = cursor.fetchone()
    if row is None:
        return None
    *mine, others, in_line = row
    groups = _groups(plain(others), now) if others is not None else _others.groups
    return of(mine, groups, {int(pk): int(place) for pk, place in plain(in_line).items()})


def of(row: Sequence[Any], groups: Sequence[Alike], own: dict[int, int]) -> Places:
    """Place the blogs of a line, each by its place in that line, among those of the others."""
    turn, step, waiting, paused, all_paused, clock, processing, running = row
    mine = Alike(turn, step, 0 if paused else waiting, 1)
    ahead = _ahead(mine, groups, sorted({1, *own.values()}))
    of = {pk: place + ahead[place] for pk, place in own.items()}
    ties = _ties(mine, groups, sorted(set(own.values())))
    return Places(of, own, ties, 1 + ahead[1], Lines.of(mine, groups, clock), paused, all_paused, processing, running)


def _groups(found: list[Any], asked_at: float) -> list[Alike]:
    groups = [Alike(*each) for each in found]
    with _lock:
        # For other sites, whose turn comes first at the same one is not known.
        _others.groups = [each._replace(first=each.lines / 2) for each in groups]
        _others.read_at = time.monotonic()
        took = _others.read_at - asked_at
        _others.keeps = 0.0 if sum(each.lines for each in groups) < _FEW else min(took / _SHARE, _OLDEST_SECONDS)
    return groups


def _counted(groups: Sequence[Alike], in_line: Sequence[int]) -> Sequence[int]:
    """Choose the places for which the starts of others are counted: all of them, or as many as take little time."""
    few = max(2, _STEPS_MAX // max(len(groups), 1))
    if len(in_line) <= few:
        return in_line
    return [in_line[round(at * (len(in_line) - 1) / (few - 1))] for at in range(few)]


def _ties(mine: Alike, groups: Sequence[Alike], in_line: Sequence[int]) -> dict[int, float]:
    """Count for each of these places the starts of others that go first at the same turn; as for the next lower one counted."""
    found, ties, counted = dict[int, float](), 0.0, set(_counted(groups, in_line))
    for place in in_line:
        if place in counted:
            turn = mine.turn + (place - 1) * mine.step
            ties = _ties_with(turn, groups)
        found[place] = ties
    return found


def _ahead(mine: Alike, groups: Sequence[Alike], in_line: Sequence[int]) -> dict[int, int]:
    """Count for each of these places in my line the starts of others before it."""
    known: dict[int, int] = {}
    for place in _counted(groups, in_line):
        turn = mine.turn + (place - 1) * mine.step
        # My own line is among the groups; it starts as many before this place as it has places before it.
        before = _starts_before(turn, groups) - _starts_before(turn, [mine])
        known[place] = max(0, before)
    return known if len(known) == len(in_line) else _between(known, in_line)


def _between(known: dict[int, int], in_line: Sequence[int]) -> dict[int, int]:
    """Interpolate: between two places the others start at an even pace."""
    found, knots = dict(known), sorted(known)
    for low, high in itertools.pairwise(knots):
        slope = (known[high] - known[low]) / (high - low)
        found |= {place: round(known[low] + slope * (place - low)) for place in in_line if low < place < high}
    return found
