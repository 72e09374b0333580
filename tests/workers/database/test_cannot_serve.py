"""A server that answers and can't serve: to us it is as far away as one that is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from tests.support import factories
from tests.support.demotion import demote, sessions_of_its_own
from tests.support.threads import PATIENCE_SECONDS, at_once
from workers.database.outage import DATABASE_AWAY, cannot_serve, outlasts_an_outage
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_sessions(transactional_db: None) -> Iterator[None]:
    with sessions_of_its_own():
        yield


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def three_sessions() -> set[int]:
    all_have_one = threading.Barrier(3)

    def mine() -> int:
        found = session()
        all_have_one.wait(PATIENCE_SECONDS)
        return found

    return set(at_once(mine, mine, mine))


def is_told(state: str) -> None:
    """Let the server answer with an error of that SQLSTATE."""
    with connection.cursor() as cursor:
        cursor.execute(f"DO $do$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END $do$")


@pytest.mark.parametrize(
    "state",
    [
        "08000", "08006", "25006", "25P03", "53000", "53100", "53200", "53300", "57P01", "57P02", "57P03", "58000", "58030",
    ],
)  # fmt: skip
def test_whatever_says_that_the_server_cannot_serve_is_an_outage_and_its_session_is_thrown_away(state: str) -> None:
    before = session()

    with pytest.raises(OperationalError) as told:
        is_told(state)

    assert isinstance(told.value, DATABASE_AWAY)
    assert getattr(told.value.__cause__, "pgcode", "") == state
    assert session() != before


@pytest.mark.parametrize("state", ["P0001", "22012", "23505", "25001", "42601", "XX000"])
def test_what_is_wrong_with_the_statement_is_no_outage(state: str) -> None:
    before = session()

    with pytest.raises(DatabaseError) as told:
        is_told(state)

    assert not isinstance(told.value, DATABASE_AWAY)
    assert session() == before


def test_a_lost_connection_has_no_state() -> None:
    assert cannot_serve(psycopg2.OperationalError("server closed the connection unexpectedly"))
    assert cannot_serve(psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"))
    assert not cannot_serve(psycopg2.ProgrammingError("no results to fetch"))


def test_a_write_is_made_in_another_session_where_its_own_takes_none() -> None:
    worker = factories.WorkerFactory.create(done=0)
    demote()

    outlasts_an_outage(lambda: WorkerProcess.objects.filter(pk=worker.pk).update(done=7))()

    assert WorkerProcess.objects.get(pk=worker.pk).done == 7


def test_a_transaction_is_repeated_in_another_session() -> None:
    worker = factories.WorkerFactory.create(done=0)
    demote()

    @outlasts_an_outage
    def count_one() -> None:
        with transaction.atomic():
            row = WorkerProcess.objects.select_for_update().get(pk=worker.pk)
            WorkerProcess.objects.filter(pk=worker.pk).update(done=row.done + 1)

    count_one()

    assert WorkerProcess.objects.get(pk=worker.pk).done == 1


def test_one_refused_write_throws_away_all_sessions_that_were_opened_before() -> None:
    old = three_sessions()

    with pytest.raises(OperationalError):
        is_told("25006")

    assert not three_sessions() & old


def test_a_full_disk_costs_one_session() -> None:
    mine = session()
    (other,) = at_once(session)

    with pytest.raises(OperationalError):
        is_told("53100")
    connection.close()

    assert at_once(session) == [other]
    assert mine != other
