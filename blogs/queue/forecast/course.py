"""The course that starts and ends take from this moment on: arithmetic alone, from what `outlook` and `learned` have found.

A blog starts when a seat is free. Its idea and then its text wait for the shared limits' next place, which they give one after the
other, to who asks first; the work before, between and after takes what it took lately. Its seat is free when it ends. The first
calls for ideas ask for those of others too, which then wait for no place of their own. A blog that is to be tried again, or was put
off, takes the first seat that is free once it is due.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

# Starts are followed one by one to here. Past it they go on at the limits' pace, or at that of the seats.
FOLLOWED_MAX = 1_500


@dataclass(frozen=True, slots=True)
class Work:
    """What a blog takes, in seconds: until its idea is asked for, from the idea's place in the limits until its text is, and from
    the text's place on."""

    before: float
    idea: float
    text: float
    idea_share: float = 0.0
    """The idea's part of what a blog takes of the limits."""
    ideas_a_call: float = 1.0
    """For how many blogs of a site a call asks."""

    @property
    def seconds(self) -> float:
        return self.before + self.idea + self.text


@dataclass(frozen=True, slots=True)
class Running:
    """A blog on a seat: the seconds until it asks for each place in the limits that it still needs, or else until its end."""

    left: float
    needs_idea: bool = False
    needs_text: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """In how many seconds the first, second, ... of those in line starts, and ends."""

    starts: Sequence[float]
    ends: Sequence[float]
    pace: float
    """Seconds between two starts past the last of them."""
    text_waits: float
    """In how many seconds a text that is asked for now gets its place."""

    free: int
    """Seats that are free now, which those behind the followed ones take as well."""

    def start(self, place: int) -> float:
        if place <= self.free:
            return 0.0
        return self._at(self.starts, place)

    def end(self, place: int) -> float:
        return self._at(self.ends, place)

    def before(self, far: Course) -> Course:
        """Go on behind the last of these as the other course does, which counts in blogs that may still come."""
        near = len(self.starts)
        starts, ends = [*self.starts, *far.starts[near:]], [*self.ends, *far.ends[near:]]
        return Course(starts, ends, far.pace, self.text_waits, self.free)

    def _at(self, times: Sequence[float], place: int) -> float:
        if place <= len(times):
            return times[max(place, 1) - 1]
        return times[-1] + (place - len(times)) * self.pace


@dataclass(slots=True)
class _Ideas:
    """Calls for the ideas of all that run and stand in line: those that come first ask for the others too."""

    calls: int
    of_each: float
    there_at: float = 0.0
    """When the last call's ideas are there."""

    @classmethod
    def of(cls, blogs: float, work: Work) -> _Ideas:
        calls = math.ceil(blogs / work.ideas_a_call)
        return cls(calls, blogs / max(calls, 1))

    def asked(self, moment: float, answered_at: float) -> tuple[float, float]:
        """Return for how many blogs the next one asks, and when its own idea is there. For none: it comes with another's call."""
        self.calls -= 1
        if self.calls < 0:
            return 0.0, max(moment, self.there_at)
        self.there_at = answered_at
        return self.of_each, answered_at


_SEAT, _IDEA, _TEXT = range(3)
# One of those that are followed has its number in line; one that runs, or that comes back, has none.
_RUNS, _BACK = -1, -2


@dataclass(slots=True)
class _Times:
    """What happens next: a seat is free, or a blog asks for its idea's or its text's place."""

    events: list[tuple[float, int, int, int]] = field(default_factory=list)
    order: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, seats: int, running: Sequence[Running]) -> _Times:
        times = cls()
        for blog in sorted(running, key=lambda blog: blog.left):
            times.at(blog.left, _IDEA if blog.needs_idea else _TEXT if blog.needs_text else _SEAT)
        for _ in range(seats - len(running)):
            times.at(0.0, _SEAT)
        return times

    def at(self, moment: float, what: int, nth: int = _RUNS) -> None:
        heapq.heappush(self.events, (moment, next(self.order), what, nth))

    def next(self) -> tuple[float, int, int]:
        moment, _, what, nth = heapq.heappop(self.events)
        return moment, what, nth


def course(
    seats: int,
    running: Sequence[Running],
    work: Work,
    a_second: float,
    limit_free_in: float,
    due: Sequence[float] = (),
    followed: int = FOLLOWED_MAX,
    in_line: int = 0,
    planned: float = 0.0,
) -> Course:
    """Follow the starts. `a_second`: the blogs that the limits let through; `limit_free_in`: until their next place;
    `due`: in how many seconds each blog comes back that waits for a time, the first of them first; `in_line`: how many of those
    that are followed stand in line, and `planned`: how many of these have their ideas. Others ask for their own when they come."""
    times = _Times.of(seats, running)
    too_many = max(0, len(running) - seats)  # seats that were more before: nothing starts on them
    starts, ends = list[float](), [0.0] * followed
    ideas = _Ideas.of(sum(blog.needs_idea for blog in running) + in_line - planned, work)
    place, left, back = limit_free_in, followed, 0
    while left:
        moment, what, nth = times.next()
        if what == _SEAT:
            if too_many:
                too_many -= 1
            elif back < len(due) and due[back] <= moment:
                back += 1
                times.at(moment + work.before, _IDEA, _BACK)
            elif len(starts) < followed:
                times.at(moment + work.before, _IDEA, len(starts))
                starts.append(moment)
            continue
        place = max(place, moment)
        if what == _IDEA:
            asks_for, there_at = (
                ideas.asked(moment, place + work.idea) if _RUNS <= nth < in_line else (1.0, place + work.idea)
            )
            times.at(there_at, _TEXT, nth)
            place += asks_for * work.idea_share / a_second
            continue
        times.at(place + work.text, _SEAT)
        if nth >= 0:
            ends[nth] = place + work.text
            left -= 1
        place += (1 - work.idea_share) / a_second
    waits = limit_free_in + sum(_taken(blog, work) for blog in running if not blog.left) / a_second
    free = max(0, seats - len(running))
    return Course(starts, ends, max(1 / a_second, work.seconds / max(seats, 1)), waits, free)


def _taken(blog: Running, work: Work) -> float:
    return work.idea_share * blog.needs_idea + (1 - work.idea_share) * (blog.needs_text and not blog.needs_idea)
