"""The line in which the threads of this process wait for a limit."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from workers.errors import RateLimited


class LocalLine:
    """Lets threads pass first come, first served. Only the head talks to PostgreSQL, however many wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: deque[threading.Event] = deque()
        self.closed_until = 0.0

    def close_for(self, seconds: float) -> None:
        """Stop threads that hold a place already. Those in the line hear of a block from PostgreSQL."""
        self.closed_until = max(self.closed_until, time.monotonic() + seconds)

    def __len__(self) -> int:
        return len(self._waiters)

    @contextmanager
    def head(self, give_up_at: float) -> Iterator[None]:
        my_turn = threading.Event()
        with self._lock:
            self._waiters.append(my_turn)
            self._waiters[0].set()
        try:
            if not my_turn.wait(give_up_at - time.monotonic()):
                raise RateLimited("rate_limited", "Too many calls are waiting for this limit.", guess=10)
            yield
        finally:
            with self._lock:
                self._waiters.remove(my_turn)
                if self._waiters:
                    self._waiters[0].set()
