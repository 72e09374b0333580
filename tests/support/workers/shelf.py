"""A source of work that is a list in memory, and what was done with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.db import OperationalError

from workers.pool.pool import Pool

# Longer than any test's patience: whatever waits for the next poll fails.
LONG = 60.0


class Piece:
    """One piece of work."""

    def __init__(self, pk: int) -> None:
        self.pk = pk
        self.overdue = False


class Shelf:
    """A source of work in memory, which remembers what the pool asked of it."""

    def __init__(self, count: int = 0) -> None:
        self.waiting = [Piece(pk) for pk in range(1, count + 1)]
        self.asked: list[int] = []
        self.renewed: list[set[int]] = []
        self.returned: list[int] = []
        self.renewed_once = threading.Event()
        self.asked_again = threading.Event()
        self.promotions = 0
        self.due = iter([0.0, 0.05, 0.0])
        self.promoted_twice = threading.Event()
        self.rescued = threading.Event()
        self.failures = 0

    def claim(self, worker: Any, limit: int, running: Any) -> list[Any]:
        if self.failures:
            self.failures -= 1
            raise OperationalError("the server is away")
        self.asked.append(limit)
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        if not taken:
            self.asked_again.set()
        return taken

    def renew(self, works: Any) -> int:
        self.renewed.append({work.pk for work in works})
        self.renewed_once.set()
        return len(works)

    def hand_back(self, works: Any) -> int:
        self.returned += [work.pk for work in works]
        return len(works)

    def promote(self) -> int:
        self.promotions += 1
        if self.promotions == 2:
            self.promoted_twice.set()
        return 0

    def look(self) -> tuple[float | None, bool]:
        return next(self.due, None), True

    def rescue(self) -> int:
        self.rescued.set()
        return 0

    def stats(self) -> dict[str, Any]:
        return {}


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Ran:
    """What `execute` did, and a signal to stop once enough is done."""

    def __init__(self, enough: int, work: Callable[[Piece], object] = lambda piece: None) -> None:
        self.enough = enough
        self.work = work
        self.done: list[int] = []
        self.running = 0
        self.most_running = 0
        self.lock = threading.Lock()

    def __call__(self, piece: Piece) -> None:
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            self.work(piece)
        finally:
            with self.lock:
                self.running -= 1
                self.done.append(piece.pk)
                enough = len(self.done) == self.enough
            if enough:
                stop()


def run(
    shelf: Shelf,
    execute: Callable[[Any], None],
    *,
    threads: int = 3,
    batch_size: int = 100,
    poll: float = LONG,
    **more: Any,
) -> None:
    Pool(shelf, execute, threads=threads, batch_size=batch_size, poll_seconds=poll, **more).run()
