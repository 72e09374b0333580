"""Events in the order of their time; the clock jumps from one to the next."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from tests.bench.day_clock import Clock


class Loop:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    @property
    def now(self) -> float:
        return self._clock.now

    def at(self, time: float, event: Callable[[], None]) -> None:
        """At the same time: in the order in which they were asked for."""
        heapq.heappush(self._events, (max(time, self.now), next(self._numbers), event))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._events:
            self._clock.now, _, event = heapq.heappop(self._events)
            event()
