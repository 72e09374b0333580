"""Who listens: how many may, and what waits to be sent to each."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from dataclasses import dataclass

from django.conf import settings

from blogs.api.possible import NoSeat, TooManyListeners
from wix.identity.standing import Standing
from workers import metrics

# What a listener may be behind, more than what a batch of staff's does to one shop in seconds. All listeners of a site wait for the
# same bytes, so each of these costs one of them eight.
QUEUE_MAX = 2_000
# What is sent at once: some 16 KB.
_TOGETHER = 64


class Seats:
    """Counts the streams of this process, those too that are only being opened. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = Counter[int]()
        self.total = 0

    def take(self, site: int) -> None:
        """Raises TooManyListeners, NoSeat."""
        with self._lock:
            if self._taken[site] >= settings.LIVE_EVENTS_LISTENERS_PER_SITE:
                raise TooManyListeners
            if self.total >= settings.LIVE_EVENTS_LISTENERS_MAX:
                raise NoSeat
            self._taken[site] += 1
            self.total += 1
        metrics.count(metrics.LISTENERS)

    def leave(self, site: int) -> None:
        with self._lock:
            self.total -= 1
            self._taken[site] -= 1
            if not self._taken[site]:
                del self._taken[site]
        metrics.count(metrics.LISTENERS, by=-1)


class Seat:
    """The one seat that a request may take. The request's server gives it back, whatever became of the request."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._site: int | None = None

    def take(self, site: int) -> None:
        """Raises TooManyListeners, NoSeat."""
        self._seats.take(site)
        self._site = site

    def leave(self) -> None:
        if self._site is not None:
            self._seats.leave(self._site)
            self._site = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants to be told: of one blog, or of the whole site; after which event."""

    standing: Standing
    blog: int | None
    after: int | None

    @property
    def site(self) -> int:
        return self.standing.site


class Listener:
    """What waits to be sent to one caller. All of it is the event loop's."""

    __slots__ = ("_closing", "_waiting", "_wake", "after", "busy_since", "cut", "ended", "over", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        # Older events are not told: the caller has them.
        self.after = wish.after or 0
        self.ended = False
        # It ends with its past not told to the end: its caller comes back for the rest.
        self.cut = False
        # Whether its blog was finished by the last event that was dealt to it. None: none was yet.
        self.over: bool | None = None
        # When the caller was sent what it has not taken yet.
        self.busy_since: float | None = None
        self._waiting: deque[bytes] = deque()
        self._closing: bytes | None = None
        self._wake = asyncio.Event()

    def offer(self, message: bytes) -> bool:
        """Put a message in line; False where the caller is too far behind."""
        if self.ended:
            return True
        if len(self._waiting) >= QUEUE_MAX:
            return False
        self._waiting.append(message)
        self._wake.set()
        return True

    def finish(self) -> None:
        """Let the stream end once all is told: what its caller has missed, and what is in line."""
        self.ended = True
        self._wake.set()

    def end(self, closing: bytes | None = None) -> None:
        """Let the stream end soon, with this last message. What is not told by then, its caller comes back for."""
        if not self.cut:
            self._closing = closing
        self.cut = True
        self.finish()

    def forget_line(self) -> None:
        """Drop what is in line, but for the last message. Told without what happened before it, it would hide that."""
        self._waiting.clear()

    async def next(self) -> bytes | None:
        """Wait for messages, and return the first of those in line; None at the end."""
        while not self._waiting:
            if self.ended:
                closing, self._closing = self._closing, None
                return closing
            self._wake.clear()
            await self._wake.wait()
        return b"".join(self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting))))
