"""The pool with a source of work that is a list in memory; its rows, wake-ups and signals are real ones."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from tests.support.factories import WorkerFactory
from tests.support.threads import PATIENCE_SECONDS, in_background, wait_until
from tests.support.workers.shelf import LONG, Piece, Ran, Shelf, run, stop
from workers.database import wakeup
from workers.models import WorkerProcess
from workers.pool.pace import Pace
from workers.pool.pool import Chore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signals_of_its_own")]


# --- Seats ------------------------------------------------------------------------------------------------------------


def test_a_slow_piece_of_work_does_not_hold_up_the_others() -> None:
    others_done = threading.Event()

    def work(piece: Piece) -> None:
        if piece.pk == 1:
            assert others_done.wait(PATIENCE_SECONDS)
        elif piece.pk == 8:
            others_done.set()

    ran = Ran(8, work)

    run(Shelf(8), ran, threads=2)

    assert ran.done[-1] == 1
    assert sorted(ran.done) == list(range(1, 9))


def test_a_freed_seat_is_filled_at_once_and_not_by_the_next_poll() -> None:
    began = time.monotonic()

    run(Shelf(4), Ran(4), threads=1, poll=3)

    assert time.monotonic() - began < 3


def test_no_more_is_claimed_than_there_are_free_seats() -> None:
    all_seats_taken = threading.Barrier(4)
    shelf = Shelf(12)
    ran = Ran(12, lambda piece: all_seats_taken.wait(PATIENCE_SECONDS))

    run(shelf, ran, threads=4)

    assert shelf.asked[0] == 4
    assert max(shelf.asked) <= 4
    assert ran.most_running == 4


def test_no_more_is_claimed_at_once_than_a_batch() -> None:
    shelf = Shelf(10)
    ran = Ran(10)

    run(shelf, ran, threads=8, batch_size=3)

    assert max(shelf.asked) == 3
    assert len(ran.done) == 10


def test_only_this_workers_share_of_what_uses_the_limits_up_is_on_seats() -> None:
    WorkerFactory.create(threads=50)  # who came before takes ten twelfths …
    WorkerFactory.create(threads=50, stopping=True, in_flight=6)
    pace = Pace(
        60.0, {("openai", "requests"): 26.0}
    )  # … of 1.2 × 450 / 26 = 20.8, but six are on a leaving one's seats
    shelf = Shelf(12)
    ran = Ran(12)

    run(shelf, ran, threads=10, pace=pace)

    assert shelf.asked[0] == 2
    assert ran.most_running <= 2


def test_what_a_neighbour_leaves_is_taken_over_with_the_next_heartbeat(settings: Any) -> None:
    settings.BLOG_WORKER_LEASE_RENEW_SECONDS = 0.02
    neighbour = WorkerFactory.create(threads=40)
    pace = Pace(60.0, {("openai", "requests"): 54.0})  # 10 of all
    everybody = threading.Barrier(10)

    def work(piece: Piece) -> None:
        if piece.pk == 1:
            WorkerProcess.objects.filter(pk=neighbour.pk).delete()
        everybody.wait(PATIENCE_SECONDS)

    run(Shelf(10), Ran(10, work), threads=10, pace=pace)

    assert not everybody.broken


def test_work_that_fails_disturbs_no_other(caplog: Any) -> None:
    def work(piece: Piece) -> None:
        if piece.pk % 2:
            raise ValueError("a bug")

    shelf = Shelf(10)
    ran = Ran(10, work)

    run(shelf, ran, threads=2)

    assert sorted(ran.done) == list(range(1, 11))
    assert [record.action for record in caplog.records if record.action == "lost"] == ["lost"] * 5


def test_a_chore_is_done_at_once_when_its_channel_wakes_it() -> None:
    shelf, done = Shelf(), threading.Event()
    chore = Chore(LONG, lambda: wakeup.notify() if done.is_set() else done.set(), "a chore", woken_by="a_chore")

    def submit() -> None:
        # The first time it is woken by a listener that begins to listen.
        assert done.wait(PATIENCE_SECONDS)
        shelf.waiting.append(Piece(1))
        wakeup.notify("a_chore")

    driver = in_background(submit)
    run(shelf, Ran(1), chores=[chore])
    driver.join(PATIENCE_SECONDS)


def test_a_chore_may_come_early_the_first_time_and_is_told_to_stop() -> None:
    shelf, began, told = Shelf(), threading.Event(), threading.Event()

    def chore(go_on: Callable[[], bool]) -> None:
        assert go_on()
        began.set()
        wait_until(lambda: not go_on())
        told.set()

    def submit() -> None:
        assert began.wait(PATIENCE_SECONDS)
        shelf.waiting.append(Piece(1))
        wakeup.notify()

    driver = in_background(submit)
    run(shelf, Ran(1), chores=[Chore(LONG, chore, "a chore", first_after_seconds=0.01, asks=True)])
    driver.join(PATIENCE_SECONDS)
    assert told.wait(PATIENCE_SECONDS)


def test_a_chore_that_says_when_is_done_again_soon_where_the_database_was_away() -> None:
    shelf, tries = Shelf(), list[float]()

    def chore() -> float:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise OperationalError("server closed the connection")
        shelf.waiting.append(Piece(1))
        wakeup.notify()
        return LONG

    run(shelf, Ran(1), chores=[Chore(LONG, chore, "a chore", first_after_seconds=0.01, says_when=True)])

    assert tries[1] - tries[0] < LONG / 2


def test_a_channel_wakes_each_chore_that_names_it() -> None:
    shelf, done = Shelf(), threading.Barrier(2)

    def chore() -> None:
        if not done.wait(PATIENCE_SECONDS):
            shelf.waiting.append(Piece(1))
            wakeup.notify()

    chores = [Chore(LONG, chore, name, woken_by="a_chore") for name in ("one", "another")]

    run(shelf, Ran(1), chores=chores)


def test_a_chore_rests_for_longer_each_time_while_nothing_is_open() -> None:
    shelf, times = Shelf(), list[float]()

    def chore() -> float | None:
        times.append(time.monotonic())
        if len(times) == 6:
            shelf.waiting.append(Piece(1))
            wakeup.notify()
        return 0.01 if len(times) == 4 else None

    resting = Chore(0.03, chore, "a chore", first_after_seconds=0.01, says_when=True, rests_seconds=0.3)

    run(shelf, Ran(1), chores=[resting])

    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[0] >= 0.12
    assert pauses[1] >= 0.3
    assert pauses[2] >= 0.3
    # Something was open: it began with its usual pause again.
    assert pauses[3] < 0.3
    assert 0.12 <= pauses[4] < 0.3


def test_a_wake_up_starts_new_work_long_before_the_next_poll() -> None:
    shelf = Shelf()
    ran = Ran(1)

    def submit() -> None:
        # A listener that is not connected yet will wake the pool when it is.
        assert shelf.asked_again.wait(PATIENCE_SECONDS)
        shelf.waiting.append(Piece(1))
        wakeup.notify()

    began = time.monotonic()
    driver = in_background(submit)
    run(shelf, ran)
    driver.join(PATIENCE_SECONDS)

    assert ran.done == [1]
    assert time.monotonic() - began < LONG / 2


def test_without_a_wake_up_polling_finds_the_work(settings: Any) -> None:
    settings.DATABASE_DIRECT_URL = "postgres://none@127.0.0.1:1/nothing"
    shelf = Shelf()
    ran = Ran(1)

    def submit() -> None:
        assert shelf.asked_again.wait(PATIENCE_SECONDS)
        shelf.waiting.append(Piece(1))

    driver = in_background(submit)
    run(shelf, ran, poll=0.02)
    driver.join(PATIENCE_SECONDS)

    assert ran.done == [1]


def test_a_database_that_is_away_is_asked_again() -> None:
    shelf = Shelf(2)
    shelf.failures = 3
    ran = Ran(2)

    run(shelf, ran, poll=0.01, pause_seconds=0.01)

    assert sorted(ran.done) == [1, 2]


# --- In the background ------------------------------------------------------------------------------------------------


def test_the_heartbeat_renews_all_but_overdue_work_and_shows_the_worker(settings: Any) -> None:
    settings.BLOG_WORKER_LEASE_RENEW_SECONDS = 0.01
    shelf = Shelf(3)
    shelf.waiting[1].overdue = True
    all_run = threading.Barrier(3)
    seen: list[object] = []

    def work(piece: Piece) -> None:
        all_run.wait(PATIENCE_SECONDS)
        if piece.pk == 1:
            shelf.renewed.clear()
            for _ in range(2):
                shelf.renewed_once.clear()
                assert shelf.renewed_once.wait(PATIENCE_SECONDS)
            seen.extend(WorkerProcess.objects.values("threads", "in_flight", "stopping"))
        all_run.wait(PATIENCE_SECONDS)

    run(shelf, Ran(3, work))

    assert {1, 3} in shelf.renewed
    assert not any(2 in renewed for renewed in shelf.renewed)
    assert seen == [{"threads": 3, "in_flight": 3, "stopping": False}]
    assert not WorkerProcess.objects.exists()


def test_a_worker_that_was_given_up_for_dead_stops_by_itself(settings: Any) -> None:
    settings.BLOG_WORKER_LEASE_RENEW_SECONDS = 0.01

    def work(piece: Piece) -> None:
        WorkerProcess.objects.all().delete()

    run(Shelf(1), work)

    assert not WorkerProcess.objects.exists()


def test_a_worker_touches_its_file_with_each_heartbeat(settings: Any, tmp_path: Path) -> None:
    settings.BLOG_WORKER_LEASE_RENEW_SECONDS = 0.01
    settings.BLOG_WORKER_ALIVE_PATH = str(tmp_path / "alive")

    run(Shelf(1), Ran(1, lambda piece: wait_until((tmp_path / "alive").exists)))


def test_what_becomes_due_is_promoted_at_its_time_and_not_at_the_next_poll() -> None:
    shelf = Shelf()

    stop_after(shelf.promoted_twice, shelf, rescue_every_seconds=LONG)

    assert shelf.promoted_twice.is_set()


def test_expired_leases_are_looked_for_from_the_start() -> None:
    shelf = Shelf()

    stop_after(shelf.rescued, shelf)

    assert shelf.rescued.is_set()


def stop_after(event: threading.Event, shelf: Shelf, **more: Any) -> None:
    """Run an idle pool until then, or until patience ends."""

    def wait_and_stop() -> None:
        event.wait(PATIENCE_SECONDS)
        stop()

    driver = in_background(wait_and_stop)
    run(shelf, lambda piece: None, **more)
    driver.join(PATIENCE_SECONDS)
