"""/health/ready: whether a web process can do its work now, cheaply, within two seconds, and without a word too many."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blogs.preflight import database, ready
from tests.support.blogs.restored import after_restore, as_a_copy
from tests.support.demotion import demote, sessions_of_its_own
from workers.context.process_memory import forget_everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("healthy")]


def _ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/health/ready")
    assert "no-store" in answer["Cache-Control"]
    assert ("Retry-After" in answer) == (answer.status_code == 503)
    return answer.status_code, answer.json()


def test_a_process_that_can_work_is_ready(client: Client) -> None:
    assert _ready(client) == (200, {"status": "ok", "faults": []})
    assert client.get("/health").json()["faults"] == []


@pytest.mark.parametrize("seconds", [3_600, -3_600])
def test_a_clock_that_goes_wrong_while_it_runs_is_named_in_both(client: Client, seconds: int) -> None:
    assert _ready(client)[0] == 200
    with time_machine.travel(time.time() + seconds):
        forget_everything()

        assert _ready(client) == (503, {"status": "failing", "faults": ["clock_wrong"]})
        health = client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["faults"] == ["clock_wrong"]


def test_a_database_of_an_older_release_is_named(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'of_yesterday' WHERE app = 'workers' AND name LIKE '0003%'")
    try:
        assert _ready(client) == (503, {"status": "failing", "faults": ["migrations_unapplied"]})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET app = 'workers' WHERE app = 'of_yesterday'")


def test_a_restored_database_is_named_until_it_is_settled(client: Client) -> None:
    as_a_copy()

    assert _ready(client) == (503, {"status": "failing", "faults": ["database_copied"]})
    after_restore("--original-is-stopped")
    forget_everything()
    assert _ready(client) == (200, {"status": "ok", "faults": []})


def test_a_database_that_takes_no_writes_is_named(client: Client) -> None:
    with sessions_of_its_own():
        demote()

        assert _ready(client) == (503, {"status": "failing", "faults": ["database_read_only"]})


def test_settings_that_stop_a_start_are_named_and_those_that_warn_are_not(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver", "*"]
    settings.WIX_APP_SECRET = ""

    assert _ready(client) == (503, {"status": "failing", "faults": ["key_missing"]})


def test_however_often_it_is_asked_it_looks_once_a_second(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = [], database.look

    def counted(cursor: Any) -> Any:
        looks.append(cursor)
        return look(cursor)

    monkeypatch.setattr(database, "look", counted)

    for _ in range(20):
        assert _ready(client)[0] == 200
    threads = [threading.Thread(target=ready.faults) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= len(looks) <= 3
    with CaptureQueriesContext(connection) as queries:
        _ready(client)
    assert len(queries) == 0


def test_a_database_that_hangs_takes_no_more_than_one_thread(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, looks = threading.Event(), []

    def hang(cursor: Any) -> Any:
        looks.append(threading.current_thread())
        assert goes_on.wait(30)
        return look(cursor)

    look = database.look
    assert _ready(client)[0] == 200
    monkeypatch.setattr(database, "look", hang)
    monkeypatch.setattr(ready, "_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(ready, "_FRESH_SECONDS", 0)

    # It may be the pool that has none to give for a moment: the last answer counts …
    assert [_ready(client)[0] for _ in range(3)] == [200] * 3
    # … until it is too old.
    monkeypatch.setattr(ready, "_OLD_SECONDS", 0)
    assert _ready(client) == (503, {"status": "failing", "faults": ["database_unreachable"]})

    assert len(looks) == 1
    goes_on.set()
    looks[0].join()


def test_nothing_but_names_is_shown(client: Client, settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = ["a key that is none!"]

    shown = client.get("/health/ready").content.decode()

    assert "webhook_key_malformed" in shown
    assert not [word for word in ("WIX", "none", settings.DATABASES["default"]["HOST"]) if word in shown]
