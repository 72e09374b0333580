from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from workers import prepared
from workers.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

_STATEMENT = "SELECT %(low)s::int + 1, '50 %%', %(high)s::int, %(low)s::int"


@pytest.fixture
def statement() -> Iterator[Prepared]:
    yield Prepared(_STATEMENT)
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
    assert _plans() == [(3, 0)]


def test_it_is_planned_anew_after_a_while(statement: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(statement)
    monkeypatch.setattr(prepared, "_KEPT_SECONDS", 0)

    assert _run(statement) == (2, "50 %", 9, 1)
    assert _plans() == [(1, 0)]


def test_a_session_that_lost_it_runs_the_text(statement: Prepared) -> None:
    _run(statement)
    _deallocate()

    assert _run(statement) == (2, "50 %", 9, 1)
    assert _plans() == []
    assert _run(statement) == (2, "50 %", 9, 1)
    assert _plans() == [(1, 0)]


def test_where_another_process_has_prepared_it_in_our_session_it_runs_the_text(statement: Prepared) -> None:
    _run(statement)

    assert _run(Prepared(_STATEMENT)) == (2, "50 %", 9, 1)


def test_behind_pgbouncer_it_is_never_prepared(statement: Prepared, settings: Any) -> None:
    settings.DATABASE_KEEPS_SESSIONS = False

    assert _run(statement) == (2, "50 %", 9, 1)
    assert _plans() == []


def test_what_goes_before_is_in_the_same_transaction() -> None:
    timed = Prepared("SELECT current_setting('lock_timeout') || %(text)s", before="SET LOCAL lock_timeout = '7s';")

    with connection.cursor() as cursor:
        timed.execute(cursor, {"text": "!"})
        assert cursor.fetchone() == ("7s!",)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() != ("7s",)
