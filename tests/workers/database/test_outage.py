from __future__ import annotations

import time
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests.support import factories
from workers.database.outage import outlasts_an_outage
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int, error: type[Exception] = OperationalError) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0
        self.ask = outlasts_an_outage(self._ask)

    def _ask(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error("server closed the connection unexpectedly")
        return "there"

    __name__ = "flaky"


def cut(url: str, pid: int) -> None:
    """As a failover or an administrator would: the server ends our session."""
    administrator = psycopg2.connect(url)
    try:
        administrator.autocommit = True
        administrator.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        administrator.close()


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_an_outage_is_waited_out() -> None:
    database = Flaky(failures=2)

    assert database.ask() == "there"

    assert database.calls == 3


def test_after_three_leases_somebody_else_has_the_work_and_waiting_ends(settings: Any) -> None:
    settings.BLOG_WORKER_LEASE_SECONDS = 0.05
    database = Flaky(failures=1_000)
    began = time.monotonic()

    with pytest.raises(OperationalError):
        database.ask()

    assert 0.15 <= time.monotonic() - began < 5
    assert database.calls > 1


def test_inside_a_transaction_nothing_is_tried_again() -> None:
    database = Flaky(failures=1)

    with pytest.raises(OperationalError), transaction.atomic():
        database.ask()

    assert database.calls == 1


def test_an_error_that_is_no_outage_is_not_tried_again() -> None:
    database = Flaky(failures=1, error=IntegrityError)

    with pytest.raises(IntegrityError):
        database.ask()

    assert database.calls == 1


def test_a_session_cut_in_mid_transaction_is_written_again_once(database_url: str) -> None:
    worker = factories.WorkerFactory.create(done=0)
    backends: list[int] = []

    @outlasts_an_outage
    def count_one() -> None:
        with transaction.atomic():
            row = WorkerProcess.objects.select_for_update().get(pk=worker.pk)
            WorkerProcess.objects.filter(pk=worker.pk).update(done=row.done + 1)
            backends.append(backend())
            if len(backends) == 1:
                cut(database_url, backends[0])

    count_one()

    assert len(set(backends)) == 2
    assert WorkerProcess.objects.get(pk=worker.pk).done == 1


def test_a_session_cut_while_idle_is_not_noticed_by_the_next_use(database_url: str) -> None:
    first = backend()
    connection.close()  # into the pool
    cut(database_url, first)

    assert backend() != first


def test_a_cut_between_two_statements_is_outlasted(database_url: str) -> None:
    worker = factories.WorkerFactory.create()
    cut(database_url, backend())

    name = outlasts_an_outage(lambda: WorkerProcess.objects.get(pk=worker.pk).name)()

    assert name == worker.name
