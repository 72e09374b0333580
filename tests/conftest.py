from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client, TransactionTestCase

from blogs.models import QueueClock
from blogs.providers import token_reserve
from blogs.queue import admission
from wix.client import access_tokens
from wix.identity import token_info
from wix.identity.signed_instance import sign_instance
from wix.models import Site
from workers import limits
from workers.limits import learning
from workers.outbound import breakers

pytest_plugins = ["tests.support.sandbox_fixtures", "tests.support.wix.fixtures", "tests.support.workers.fixtures"]

APP_ID, APP_SECRET = "00000000-0000-4000-8000-000000000001", "test-secret"


@pytest.fixture(autouse=True)
def _fresh_process_state(settings: Any) -> None:
    """What a process remembers of tables that the next test will find empty."""
    settings.WIX_APP_ID, settings.WIX_APP_SECRET = APP_ID, APP_SECRET
    # Or each test's client would look at all static files of the admin first.
    settings.WHITENOISE_AUTOREFRESH = True
    access_tokens.forget_known()
    token_info.forget()
    admission.forget_count()
    limits.forget_rows()
    learning.forget()
    token_reserve.forget()
    breakers.forget_states()


@pytest.fixture(autouse=True, scope="session")
def _quick_flush() -> None:
    """After a test with transactions of its own, Django empties all tables and makes the permissions anew, which takes twice as
    long as most tests. Here content types and permissions stay as the migrations left them."""
    TransactionTestCase._fixture_teardown = _empty_all_but_permissions  # type: ignore[method-assign]


def _empty_all_but_permissions(test: TransactionTestCase) -> None:
    """TRUNCATE writes new files for each of forty tables, and takes longer than most tests; to DELETE the few rows of a test
    takes a fifth of it. Without triggers, or the ledger would refuse."""
    kept = {"django_content_type", "auth_permission", "django_migrations"}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [_LARGE_BYTES])
        tables = {name: large for name, large in cursor.fetchall() if name not in kept}
        names = list(map(connection.ops.quote_name, sorted(tables)))
        if any(tables.values()):
            cursor.execute(f"TRUNCATE {', '.join(names)}")
        else:
            deletes = "".join(f"DELETE FROM {name};" for name in names)
            cursor.execute(f"SET LOCAL session_replication_role = replica; {deletes}")


# What has been deleted from still has to be stepped over, until a vacuum comes by.
_LARGE_BYTES = 512 * 1024
_TABLES = """
SELECT relname, pg_relation_size(oid) > %s FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@pytest.fixture(autouse=True)
def _queue_clock(request: pytest.FixtureRequest, _django_db_marker: None) -> None:
    """A migration makes this row, and every test with transactions of its own empties all tables."""
    if request.node.get_closest_marker("django_db") or "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
        QueueClock.objects.get_or_create(pk=1)


class Api:
    """The integration's side: JSON over HTTP with a signed instance as Bearer."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._client = Client(raise_request_exception=False)
        self.headers = {"authorization": f"Bearer {sign_instance(site.instance_id)}"}

    def post(self, body: Any = None, **headers: str) -> Any:
        return self._client.post(
            "/api/blog-generation",
            body if body is not None else {"sourceType": "keyword", "sourceId": "test-1"},
            content_type="application/json",
            headers={**self.headers, **headers},
        )

    def patch(self, blog: int, body: Any) -> Any:
        path = f"/api/blog-generation/{blog}"
        return self._client.patch(path, body, content_type="application/json", headers=self.headers)

    def get(self, path: str) -> Any:
        return self._client.get(path, headers=self.headers)


@pytest.fixture
def api() -> type[Api]:
    return Api


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes seconds comes first, so that no processor ends with one long test while the other has none left."""
    items.sort(key=lambda item: item.get_closest_marker("slow_process") is None)
