from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.urls import get_resolver

from blogs.models import QueueClock
from tests.support.api import Api
from tests.support.app import APP_ID, APP_SECRET
from tests.support.database import empty_quickly
from workers.context.process_memory import forget_everything

pytest_plugins = ["tests.support.sandbox_fixtures", "tests.support.wix.fixtures", "tests.support.workers.fixtures"]


@pytest.fixture(autouse=True)
def _fresh_process_state(settings: Any) -> None:
    """What a process remembers of tables that the next test will find empty."""
    settings.WIX_APP_ID, settings.WIX_APP_SECRET = APP_ID, APP_SECRET
    # Or each test's client would look at all static files of the admin first.
    settings.WHITENOISE_AUTOREFRESH = True
    forget_everything()


@pytest.fixture(autouse=True, scope="session")
def _known_addresses() -> None:
    """Or a process's first request would import them all within its test's transaction, which PostgreSQL ends when idle for 5 s."""
    assert get_resolver().url_patterns


@pytest.fixture(autouse=True, scope="session")
def _quick_flush() -> None:
    empty_quickly()


@pytest.fixture(autouse=True)
def _queue_clock(request: pytest.FixtureRequest, _django_db_marker: None) -> None:
    """A migration makes this row, and every test with transactions of its own empties all tables."""
    if request.node.get_closest_marker("django_db") or "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
        QueueClock.objects.get_or_create(pk=1)
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                # Or PostgreSQL would end the test's session where a busy machine lets 5 s pass between two statements.
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


@pytest.fixture
def api() -> type[Api]:
    return Api


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes seconds comes first, so that no processor ends with one long test while the other has none left."""
    items.sort(key=lambda item: item.get_closest_marker("slow_process") is None)
