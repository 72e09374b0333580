"""While all lines are paused no blog of any line starts, and none of the numbers that raise alarms speaks of the pause."""

from __future__ import annotations

import pytest
from django.db import connection

from blogs import queue
from blogs.models import BlogGeneration, QueueClock, Status
from blogs.operations import alerts
from blogs.queue import lines
from tests.support.blogs.books import in_line, sessions_waiting_for_a_lock
from tests.support.factories import WorkerFactory, pending_generation, processing_generation, site
from tests.support.threads import in_background, wait_until
from workers.context.process_memory import forget_everything
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db


def _worker() -> WorkerProcess:
    return WorkerFactory.create()


def _wait_since(minutes: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE blog_generations SET ready_at = clock_timestamp() - interval '{minutes} minutes'")


def test_nothing_starts_and_what_runs_goes_on() -> None:
    running = processing_generation()
    pending_generation()

    assert lines.pause_all(by="ada", reason="Wix is moving")

    assert queue.claim(_worker(), 10) == []
    assert BlogGeneration.objects.get(pk=running.pk).status == Status.PROCESSING
    clock = lines.pause_of_all()
    assert clock
    assert (clock.paused_by, clock.paused_why) == ("ada", "Wix is moving")


def test_requests_are_taken_meanwhile_and_all_start_afterwards_in_the_fair_order() -> None:
    first, second = site(), site()
    lines.pause_all(by="ada", reason="x")
    for shop in (first, first, first, second):
        pending_generation(shop)
    assert (in_line(first), in_line(second)) == (3, 1)

    assert lines.resume_all()

    worker = _worker()
    claimed = [queue.claim(worker, 1)[0].site_id for _ in range(4)]
    assert claimed.index(second.pk) < 2
    assert sorted(claimed) == sorted([first.pk] * 3 + [second.pk])


def test_the_second_pause_and_the_second_resume_change_nothing() -> None:
    assert lines.pause_all(by="ada", reason="first")
    assert not lines.pause_all(by="bob", reason="second")
    assert QueueClock.objects.get().paused_by == "ada"

    assert lines.resume_all()
    assert not lines.resume_all()
    assert lines.pause_of_all() is None


def test_the_oldest_and_the_pace_are_not_blamed_for_a_pause() -> None:
    pending_generation()
    forget_everything()
    _wait_since(minutes=90)
    assert queue.stats()["oldest_waiting_seconds"] >= 5_400

    lines.pause_all(by="ada", reason="x")
    paused = queue.stats()
    assert (paused["oldest_waiting_seconds"], paused["workable"]) == (0, 0)
    assert paused["queue"] == 1
    assert [alert.name for alert in alerts.firing(paused, 1, [], [])] == []
    assert alerts.numbers()[0].growth == 0

    lines.resume_all()
    resumed = queue.stats()
    assert (resumed["oldest_waiting_seconds"] < 60, resumed["workable"]) == (True, 1)


def test_the_oldest_of_an_empty_queue_is_not_as_old_as_the_last_resume() -> None:
    lines.pause_all(by="ada", reason="x")
    lines.resume_all()
    QueueClock.objects.update(resumed_at="2026-01-01T00:00Z")

    assert queue.stats()["oldest_waiting_seconds"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_pause_waits_for_the_claim_under_way() -> None:
    """After the pause has been said to hold, no claim that began before it starts another blog."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [lines.CLAIM_LOCK])
        try:
            pausing = in_background(lambda: lines.pause_all(by="ada", reason="x"))
            wait_until(lambda: sessions_waiting_for_a_lock() == 1)
            assert lines.pause_of_all() is None
        finally:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        pausing.join()

    assert lines.pause_of_all()
