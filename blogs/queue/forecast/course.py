"""The course that starts and ends take from this moment on: arithmetic alone, from what `outlook` and `learned` have found.

A blog starts when a seat is free. Its text waits for the shared limits' next place, which they give one after the other, in the
order of the starts; the work before and after that takes what it took lately. Its seat is free when it ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

# Starts are followed one by one to here. Past it they go on at the limits' pace, or at that of the seats.
_FOLLOWED = 1_500


@dataclass(frozen=True, slots=True)
class Work:
    """What a blog takes, in seconds: before its text, and from the text's place in the limits on."""

    before: float
    after: float

    @property
    def seconds(self) -> float:
        return self.before + self.after


@dataclass(frozen=True, slots=True)
class Running:
    """A blog on a seat: the seconds of work that are left, and whether it still needs a place in the limits for its text."""

    left: float
    needs_a_place: bool


@dataclass(frozen=True, slots=True)
class Course:
    """In how many seconds the first, second, ... of those in line starts, and ends."""

    starts: Sequence[float]
    ends: Sequence[float]
    pace: float
    """Seconds between two starts past the last of them."""
    free: int
    """Seats that are free now."""

    def start(self, place: int) -> float:
        return self._at(self.starts, place)

    def end(self, place: int) -> float:
        return self._at(self.ends, place)

    def _at(self, times: Sequence[float], place: int) -> float:
        if place <= len(times):
            return times[max(place, 1) - 1]
        return times[-1] + (place - len(times)) * self.pace


def course(
    seats: int, running: Sequence[Running], work: Work, a_second: float, limit_free_in: float, followed: int = _FOLLOWED
) -> Course:
    """Follow the starts. `a_second`: the blogs that the limits let through; `limit_free_in`: until their next place."""
    between = 1 / a_second
    place = limit_free_in
    free_at: list[float] = []
    for blog in sorted(running, key=lambda blog: blog.left):
        left = blog.left
        if blog.needs_a_place:
            left = max(left, place + work.after)
            place = max(place, left - work.after) + between
        free_at.append(left)
    heapq.heapify(free_at)
    free = max(0, seats - len(free_at))
    for _ in range(len(free_at) - seats):
        heapq.heappop(free_at)  # seats that were more before: nothing starts on them
    starts, ends = list[float](), list[float]()
    for nth in range(max(followed, seats + 1)):
        start = 0.0 if nth < free else heapq.heappop(free_at)
        place = max(place, start + work.before)
        end = place + work.after
        place += between
        heapq.heappush(free_at, end)
        starts.append(start)
        ends.append(end)
    return Course(starts, ends, max(between, work.seconds / max(seats, 1)), free)
