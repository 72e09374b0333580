"""Questions to Wix for which web requests wait: one at a time about the same thing, and never more threads than may wait.

A web process has few threads, and an outside call holds one for seconds. So only WIX_TOKEN_INFO_THREADS of them may ask, and as
many may wait for what another one asks: a page sends its first three requests at once, with one token. A request that would be one
more is told to come back. The other threads go on answering.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Generic, TypeVar

from django.conf import settings

from workers.database.connections import release_connection

T = TypeVar("T")


class NoAnswer(Exception):
    """This question was not put to Wix, or its answer did not come."""


class Questions(Generic[T]):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[bytes, Future[T]] = {}
        self._asking = self._following = 0

    def ask(self, about: bytes, question: Callable[[], T], *, seconds: float) -> T:
        """Return or raise what the question does, or what the same question does on another thread. Raises NoAnswer."""
        mine: Future[T] = Future()
        with self._a_thread(about, mine) as others:
            if others is mine:
                return self._put(about, mine, question)
            release_connection()
            try:
                return others.result(seconds)
            except (CancelledError, TimeoutError):
                raise NoAnswer from None

    @contextmanager
    def _a_thread(self, about: bytes, mine: Future[T]) -> Iterator[Future[T]]:
        """Count this thread among those that ask or among those that follow; give whose answer it waits for."""
        with self._lock:
            follows = about in self._open
            if (self._following if follows else self._asking) >= settings.WIX_TOKEN_INFO_THREADS:
                raise NoAnswer
            answer = self._open.setdefault(about, mine)
            self._count(follows, 1)
        try:
            yield answer
        finally:
            with self._lock:
                self._count(follows, -1)

    def _count(self, follows: bool, by: int) -> None:
        if follows:
            self._following += by
        else:
            self._asking += by

    def _put(self, about: bytes, answer: Future[T], question: Callable[[], T]) -> T:
        try:
            found = question()
            answer.set_result(found)
            return found
        finally:
            with self._lock:
                del self._open[about]
            # Without an answer the others hear of none: whatever was raised is this thread's own.
            answer.cancel()
