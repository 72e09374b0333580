"""The providers' own rate limits: a sliding log unless another policy is asked for, so that no client passes by luck."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60.0

# How much of a minute's limit a bucket holds. No provider documents as little: it refuses bursts that a sliding minute lets pass.
_BUCKET_SECONDS = 6.0
_QUANTUM_SECONDS = 1.0


class SlidingWindow:
    """What was asked for in the last 60 seconds. Refused calls stay in the count, as OpenAI documents."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self.used = 0
        self.highest = 0
        self._entries: deque[tuple[float, int]] = deque()

    def change(self, limit: int) -> None:
        """From now on. What was asked for before stays counted, so a halved window is full until enough of it has left."""
        self.limit = limit

    def take(self, cost: int = 1) -> bool:
        """Counts the call either way; the answer is whether it fitted."""
        self.forget_old()
        fits = self.used + cost <= self.limit
        self._entries.append((self._clock(), cost))
        self.used += cost
        self.highest = max(self.highest, self.used)
        return fits

    def forget_old(self) -> None:
        horizon = self._clock() - WINDOW_SECONDS
        while self._entries and self._entries[0][0] <= horizon:
            self.used -= self._entries.popleft()[1]

    def clear(self) -> None:
        self._entries.clear()
        self.used = self.highest = 0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def seconds_until_free(self, cost: int = 1) -> float:
        """When `cost` would fit if no other call came in the meantime."""
        excess = self.used + cost - self.limit
        for at, entry_cost in self._entries:
            if excess <= 0:
                break
            excess -= entry_cost
            expires_in = at + WINDOW_SECONDS - self._clock()
            if excess <= 0:
                return max(expires_in, 0.001)
        return 0.001 if excess <= 0 else WINDOW_SECONDS

    def seconds_until_full(self) -> float:
        """What x-ratelimit-reset-* says: the time until the whole limit is there again, were it a bucket."""
        return min(1.0, self.used / self.limit) * WINDOW_SECONDS if self.limit else WINDOW_SECONDS


class Bucket(SlidingWindow):
    """Filled evenly by a minute's limit a minute, and full with a few seconds of it. Refused calls drain it too."""

    def __init__(
        self, limit: int, clock: Callable[[], float] = time.monotonic, *, seconds: float = _BUCKET_SECONDS
    ) -> None:
        super().__init__(limit, clock)
        self._seconds = seconds
        self._level = self._full
        self._at = clock()

    @property
    def _full(self) -> float:
        return max(1.0, self.limit * self._seconds / WINDOW_SECONDS)

    @property
    def level(self) -> int:
        self._fill()
        return int(self._level)

    def change(self, limit: int) -> None:
        """From now on. What is in the bucket stays there, up to the new rim."""
        self._fill()
        super().change(limit)
        self._level = min(self._level, self._full)

    def take(self, cost: int = 1) -> bool:
        super().take(cost)
        self._fill()
        fits = cost <= self._level
        self._level = max(0.0, self._level - cost)
        return fits

    def seconds_until_free(self, cost: int = 1) -> float:
        self._fill()
        return max(0.001, (min(cost, self._full) - self._level) * WINDOW_SECONDS / self.limit)

    def clear(self) -> None:
        super().clear()
        self._level = self._full

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self._full, self._level + (now - self._at) * self.limit / WINDOW_SECONDS)
        self._at = now


class BySecond(SlidingWindow):
    """A sliding minute and, as OpenAI says of its "quantised" limits, no more than a second's share of it within a second."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(limit, clock)
        self._second = Bucket(limit, clock, seconds=_QUANTUM_SECONDS)

    def change(self, limit: int) -> None:
        super().change(limit)
        self._second.change(limit)

    def take(self, cost: int = 1) -> bool:
        fits_the_minute, fits_the_second = super().take(cost), self._second.take(cost)
        return fits_the_minute and fits_the_second

    def seconds_until_free(self, cost: int = 1) -> float:
        return max(super().seconds_until_free(cost), self._second.seconds_until_free(cost))

    def clear(self) -> None:
        super().clear()
        self._second.clear()


# How requests are counted, and how tokens: a second's share of them would be less than one article.
POLICIES: dict[str, tuple[type[SlidingWindow], type[SlidingWindow]]] = {
    "sliding": (SlidingWindow, SlidingWindow),
    "bucket": (Bucket, Bucket),
    "second": (BySecond, SlidingWindow),
}
