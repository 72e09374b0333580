"""Requests at an even pace, each on a thread of its own: one that waits does not keep the next from leaving."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import requests

_PATIENCE_SECONDS = 60.0


class Steady:
    """A context manager that asks `per_second` times a second, and counts what it is answered and how soon."""

    def __init__(self, ask: Callable[[], requests.Response], per_second: float, *, slow_seconds: float = 1.0) -> None:
        self.answers: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.without_retry_after = 0
        self._ask, self._pause, self._slow_seconds = ask, 1 / per_second, slow_seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._asking: list[threading.Thread] = []
        self._pacemaker = threading.Thread(target=self._go_on, name="steady")

    def __enter__(self) -> Self:
        self._pacemaker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._pacemaker.join()
        for thread in self._asking:
            thread.join()

    @property
    def slow(self) -> int:
        """How many were answered after more than `slow_seconds`."""
        return sum(seconds > self._slow_seconds for seconds in self.seconds)

    @property
    def slowest_ms(self) -> float:
        return round(1000 * max(self.seconds, default=0), 1)

    def failed(self, *expected: int) -> int:
        """How many got another answer than these, or none."""
        return sum(count for answer, count in self.answers.items() if answer not in map(str, expected))

    def _go_on(self) -> None:
        leaves_at = time.monotonic()
        while not self._over.wait(max(0.0, leaves_at - time.monotonic())):
            thread = threading.Thread(target=self._once)
            thread.start()
            self._asking.append(thread)
            leaves_at += self._pause

    def _once(self) -> None:
        began = time.monotonic()
        try:
            answer = self._ask()
            told, retry = str(answer.status_code), "Retry-After" in answer.headers
        except requests.RequestException as error:
            told, retry = type(error).__name__, True
        with self._lock:
            self.answers[told] += 1
            self.seconds.append(time.monotonic() - began)
            self.without_retry_after += told == "503" and not retry
