from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from workers.database.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

_STATEMENT = "SELECT %(low)s::int + 1, '50 %%', %(high)s::int, %(low)s::int"


@pytest.fixture
def statement(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prepared]:
    monkeypatch.setattr(Prepared, "sessions_are_ours", True)  # and back to it
    yield Prepared("sums", _STATEMENT)
    _deallocate()


def _run(statement: Prepared, low: int = 1) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        statement.execute(cursor, {"high": 9, "low": low, "unused": None})
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def _kept() -> list[tuple[str, int, int]]:
    """Name, generic and custom plans of what this session keeps of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%''50 \\%''%'"
        )
        return list(cursor.fetchall())


def _deallocate() -> None:
    """As if the session were another: in ours, other tests' statements must stay."""
    with connection.cursor() as cursor:
        for name, *_ in _kept():
            cursor.execute(f"DEALLOCATE {name}")


def _plans() -> list[tuple[int, int]]:
    return [(generic, custom) for _, generic, custom in _kept()]


def test_a_session_plans_it_once_whatever_the_parameters(statement: Prepared) -> None:
    assert [_run(statement, low) for low in (1, 2, 3)] == [(2, "50 %", 9, 1), (3, "50 %", 9, 2), (4, "50 %", 9, 3)]
    assert _plans() == [(1 + 3, 0)]


def test_it_is_planned_again_after_a_while(statement: Prepared) -> None:
    _run(statement)
    statement.kept_seconds = 0

    assert _run(statement) == (2, "50 %", 9, 1)
    assert _plans() == [(1 + 1, 0)]


def test_a_process_whose_session_lost_it_runs_the_text_from_then_on(
    statement: Prepared, caplog: pytest.LogCaptureFixture
) -> None:
    _run(statement)
    _deallocate()

    assert [_run(statement), _run(statement)] == [(2, "50 %", 9, 1)] * 2
    assert _plans() == []
    assert [said.message for said in caplog.records if "DATABASE_DIRECT_URL" in said.message]


def test_in_a_transaction_it_is_the_transaction_that_is_tried_again(statement: Prepared) -> None:
    _run(statement)
    _deallocate()

    with pytest.raises(OperationalError), transaction.atomic():
        _run(statement)
    with transaction.atomic():
        assert _run(statement) == (2, "50 %", 9, 1)


@pytest.mark.parametrize("in_a_transaction", [False, True])
def test_a_plan_made_while_a_table_is_empty_is_good_for_a_full_one(statement: Prepared, in_a_transaction: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE filling (id int PRIMARY KEY, name text); ANALYZE filling")
        by_id = Prepared("by_id", "SELECT name, '50 %%' FROM filling WHERE id = %(id)s")

        with transaction.atomic() if in_a_transaction else nullcontext():
            by_id.execute(cursor, {"id": 1})
            cursor.execute("SHOW enable_seqscan")
            assert cursor.fetchone() == ("on",)

        ((name, *_),) = _kept()
        cursor.execute(f"EXPLAIN EXECUTE {name} (1)")
        assert "Index Scan" in cursor.fetchone()[0]
        cursor.execute("DROP TABLE filling")


def test_it_survives_a_migration_that_widens_what_it_returns(statement: Prepared) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE widened AS SELECT '50 %'::varchar(4) AS name")
    widened = Prepared("widened", "SELECT name FROM widened WHERE name = %(name)s AND name LIKE '50 %%'")

    def read() -> Any:
        with connection.cursor() as cursor:
            widened.execute(cursor, {"name": "50 %"})
            return cursor.fetchone()

    assert read() == ("50 %",)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE widened ALTER name TYPE varchar(8)")
    assert [read(), read()] == [("50 %",)] * 2
    assert _plans() == [(1 + 1, 0)]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE widened")


def test_where_another_process_has_prepared_it_in_our_session_it_runs_the_text(statement: Prepared) -> None:
    _run(statement)

    assert _run(Prepared("sums", _STATEMENT)) == (2, "50 %", 9, 1)


def test_behind_pgbouncer_it_is_never_prepared(statement: Prepared, settings: Any) -> None:
    settings.DATABASE_KEEPS_SESSIONS = False

    assert _run(statement) == (2, "50 %", 9, 1)
    assert _plans() == []


def test_it_may_have_no_parameters(statement: Prepared) -> None:
    with connection.cursor() as cursor:
        Prepared("none", "SELECT '50 %%'").execute(cursor, {})
        assert cursor.fetchone() == ("50 %",)
    assert _plans() == [(1 + 1, 0)]


def test_what_goes_before_is_in_the_same_transaction() -> None:
    timed = Prepared(
        "timed", "SELECT current_setting('lock_timeout') || %(text)s", before="SET LOCAL lock_timeout = '7s';"
    )

    with connection.cursor() as cursor:
        timed.execute(cursor, {"text": "!"})
        assert cursor.fetchone() == ("7s!",)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() != ("7s",)
