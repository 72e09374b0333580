from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import database
from tests.support.threads import wait_until
from workers import limits


@pytest.fixture
def database_url(db: Any) -> str:
    return database.database_url()


@pytest.fixture
def fast_limits(settings: Any) -> Iterator[None]:
    """Limits whose places are a millisecond apart. When the test has ended, no thread waits for one any more."""
    settings.RATE_LIMITS = {
        "openai": {"requests": 60_000, "tokens": 6_000_000},
        "replicate": {"requests": 60_000},
        "wix": {"requests": 60_000},
    }
    yield
    wait_until(lambda: limits.waiting() == {})


@pytest.fixture
def signals_of_its_own(settings: Any, database_url: str) -> Iterator[None]:
    """Give a pool its signals and its connection: it takes over the process's signals, and listens outside Django."""
    settings.DATABASE_DIRECT_URL = database_url
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
