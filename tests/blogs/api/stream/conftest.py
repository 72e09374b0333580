from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.live_events import Served, serving


@pytest.fixture(scope="session")
def live(django_db_setup: None) -> Iterator[Served]:
    """One process for all tests that don't kill it: it takes seconds to start. Each test has shops of its own."""
    with serving(
        LIVE_EVENTS_HEARTBEAT_SECONDS="0.5",
        LIVE_EVENTS_RECHECK_SECONDS="0.3",
        LIVE_EVENTS_LISTENERS_PER_SITE="3",
        LIVE_EVENTS_RESUME_MAX="6000",
    ) as process:
        yield process
