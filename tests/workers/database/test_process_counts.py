from __future__ import annotations

from collections import Counter
from threading import Event
from typing import Any

import pytest
from django.db import connection

from tests.support.factories import WorkerFactory
from tests.support.threads import at_once, in_background, wait_until
from workers import metrics
from workers.database import process_counts
from workers.database.process_counts import ENDED, Row
from workers.models import ProcessCounts
from workers.pool import heartbeat
from workers.pool.verdict import Verdict

pytestmark = pytest.mark.django_db
DONE = (metrics.EVENTS, "done", "")


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_counters", Counter())
    # The row of this process that other tests' heartbeats have written is gone with their tests.
    monkeypatch.setattr(heartbeat, "_counts", Row())


def total() -> int:
    return process_counts.totals()[DONE]


def was_silent_for_an_hour(row: Row) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workers_processcounts SET at = at - interval '61 minutes' WHERE process = %s", [row.process]
        )


def test_a_process_writes_what_it_has_counted_and_nothing_twice() -> None:
    row = Row()
    metrics.count(*DONE, by=3)
    row.write()
    row.write()
    metrics.count(*DONE)
    row.write()

    assert total() == 4


def test_where_nothing_was_counted_nothing_is_written() -> None:
    row = Row()
    metrics.count(*DONE)
    assert row.parameters()["counts"] is not None
    row.wrote(1)

    assert row.parameters()["counts"] is None


def test_what_could_not_be_written_is_written_the_next_time() -> None:
    row = Row()
    metrics.count(*DONE)
    row.parameters()  # and the statement fails
    row.write()

    assert total() == 1


def test_numbers_of_one_process_alone_are_not_published() -> None:
    metrics.count(metrics.RESERVED, "openai", "tokens", by=9)
    metrics.count(*DONE)
    Row().write()

    assert process_counts.totals().keys() == {DONE}


def test_the_sum_stays_when_a_process_ends() -> None:
    first, second = Row(), Row()
    metrics.count(*DONE)
    first.write()
    second.write()  # as if it had counted the same
    metrics.count(*DONE)
    first.end()
    second.end()

    assert total() == 4
    assert [row.process for row in ProcessCounts.objects.all()] == [ENDED]


def test_a_killed_process_is_added_up_by_one_that_starts_an_hour_later() -> None:
    killed, alive = Row(), Row()
    metrics.count(*DONE, by=5)
    killed.write()
    alive.write()
    was_silent_for_an_hour(killed)

    heartbeat.register(1, Verdict())

    assert total() == 10
    assert {row.process for row in ProcessCounts.objects.all()} == {ENDED, alive.process}


def test_one_that_was_only_silent_for_that_long_counts_on_and_nothing_twice() -> None:
    row = Row()
    metrics.count(*DONE, by=5)
    row.write()
    was_silent_for_an_hour(row)
    process_counts.add_ended()

    metrics.count(*DONE)
    row.write()  # finds its row gone
    row.write()

    assert total() == 6


def test_a_heartbeat_carries_the_write_in_its_one_statement(django_assert_num_queries: Any) -> None:
    worker = WorkerFactory.create()
    heartbeat.beat(worker, 0, Verdict(), stopping=False)
    metrics.count(*DONE)

    with django_assert_num_queries(1):
        heartbeat.beat(worker, 0, Verdict(), stopping=False)

    assert total() == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_end_together_lose_nothing() -> None:
    rows = [Row() for _ in range(8)]
    metrics.count(*DONE)
    for row in rows:
        row.write()

    at_once(*[row.end for row in rows])

    assert total() == 8
    assert ProcessCounts.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_web_process_writes_every_few_seconds_and_at_its_end() -> None:
    stopping = Event()
    writer = in_background(lambda: process_counts.keep_written(stopping, every_seconds=0.01))
    metrics.count(*DONE)
    wait_until(lambda: total() == 1)
    metrics.count(*DONE)
    stopping.set()
    writer.join()

    assert total() == 2
    assert ProcessCounts.objects.get().process == ENDED


def test_a_strangers_text_is_no_label_and_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_SERIES_MAX", 5)
    metrics.count(metrics.CALLS, "openai", "x", "tell\tall <b>")
    for number in range(50):
        metrics.count(metrics.CALLS, "openai", "x", f"code{number}")

    names = metrics.published()
    assert (metrics.CALLS, "openai", "x", "other") in names
    assert len(names) == 6
    assert names[metrics.CALLS, "other", "other", "other"] == 46


def test_a_duration_is_counted_into_the_bucket_whose_bound_it_does_not_pass() -> None:
    for seconds in (0.1, 0.5, 0.51, 10_000.0):
        metrics.observe(metrics.STAGE_SECONDS, "idea", "ok", seconds=seconds)

    counted = metrics.published()
    assert {name[-1]: number for name, number in counted.items()} == {"0.5": 2, "1": 1, "inf": 1, "sum": 10_001_110_000}
