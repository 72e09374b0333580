"""Counts in memory that processes add up once a second, played here by instances whose memory is emptied in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.db import OperationalError, connection

from tests.support.threads import at_once
from workers.database import shared_counts
from workers.database.shared_counts import SharedCounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def counts() -> SharedCounts:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM workers_counter")
    return SharedCounts("workers_counter", {})


def _rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, value FROM workers_counter")
        return dict(cursor.fetchall())


def _a_second_later() -> None:
    shared_counts._counts.exchanged_at = float("-inf")


def _another_process() -> None:
    shared_counts._counts.clear()


def test_the_limits_counter_is_this_one() -> None:
    assert isinstance(caches["requests"], SharedCounts)


def test_it_counts_as_a_cache_does(counts: SharedCounts) -> None:
    assert (counts.add("a", 1, 60), counts.add("a", 1, 60)) == (True, False)
    assert (counts.incr("a"), counts.incr("a", 5)) == (2, 7)
    assert (counts.get("a"), counts.get("b", "none")) == (7, "none")
    with pytest.raises(ValueError, match="no counter"):
        counts.incr("b")


def test_a_counter_ends_with_its_time(counts: SharedCounts) -> None:
    counts.add("a", 1, 60)

    with time_machine.travel(time.time() + 61):
        assert counts.get("a") is None
        assert counts.add("a", 1, 60)


def test_a_thousand_counts_within_a_second_are_one_statement(
    counts: SharedCounts, django_assert_num_queries: Callable[[int], Any]
) -> None:
    counts.add("a", 1, 60)

    with django_assert_num_queries(0):
        for _ in range(1_000):
            counts.incr("a")
    _a_second_later()
    with django_assert_num_queries(1):
        counts.incr("a")

    assert _rows() == {"a": 1_002}


def test_processes_add_up_and_hear_of_each_other(counts: SharedCounts) -> None:
    counts.add("a", 40, 60)
    _another_process()

    counts.add("a", 2, 60)  # with this its first exchange

    assert counts.get("a") == 42
    assert _rows() == {"a": 42}


def test_what_could_not_be_told_is_told_later(counts: SharedCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    counts.add("a", 1, 60)
    _a_second_later()
    with monkeypatch.context() as away:
        away.setattr(SharedCounts, "_exchange", _is_away)
        with pytest.raises(OperationalError):
            counts.incr("a")
    assert _rows() == {"a": 1}

    _a_second_later()
    counts.incr("a")

    assert _rows() == {"a": 3}


def _is_away(*args: Any, **kwargs: Any) -> None:
    raise OperationalError("away")


def test_a_row_of_a_time_that_is_over_counts_no_more_and_is_cleared_away(counts: SharedCounts) -> None:
    counts.add("a", 40, 60)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workers_counter SET expires_at = clock_timestamp() - interval '1 second'")
        cursor.execute("INSERT INTO workers_counter (key, value, expires_at) VALUES ('old', 1, '2020-01-01')")
    _another_process()

    counts.add("a", 2, 60)

    assert _rows() == {"a": 2}


@pytest.mark.django_db(transaction=True)
def test_threads_that_count_at_once_lose_no_count(counts: SharedCounts) -> None:
    counts.add("a", 0, 60)

    at_once(*[lambda: [counts.incr("a") for _ in range(500)]] * 8)
    _a_second_later()
    counts.incr("a")

    assert _rows() == {"a": 4_001}
