"""Real threads for races: they start together, and give their database connections back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

PATIENCE_SECONDS = 30


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Run the calls at the same moment, each on a thread. Return what they returned, in order; raise what one of them raised."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            start.wait(PATIENCE_SECONDS)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(run, call) for call in calls]
    return [call.result() for call in running]


def in_background(call: Callable[[], object]) -> threading.Thread:
    """Start a thread. The caller joins it."""

    def run() -> None:
        try:
            call()
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def wait_until(it_is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a state that another thread or process brings about; fail where it doesn't come in time."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not it_is_so():
        assert time.monotonic() < deadline, "it did not come to that in time"
        pause.wait(0.01)
