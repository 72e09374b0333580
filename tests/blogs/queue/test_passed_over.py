"""Lines that a claim passes over, for any reason, go on at the clock: none catches up, and no seat stays idle for them."""

from __future__ import annotations

from typing import Any

import pytest

from blogs import queue
from blogs.models import BlogGeneration, QueueClock
from blogs.queue import forecast, lifecycle
from tests.support import factories
from tests.support.blogs.books import block_wix, line_of, set_turn, shares, site_with, starts
from wix.models import Site
from workers.database.clock import seconds_from_now
from workers.models import RateLimit, WorkerProcess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def test_a_site_that_was_blocked_does_not_catch_up_on_what_it_missed(worker: WorkerProcess) -> None:
    blocked, other = site_with(10), site_with(20)
    block_wix(blocked, 60)
    queue.claim(worker, 10)

    RateLimit.objects.update(blocked_until=None)

    assert shares(queue.claim(worker, 11)) == {blocked.pk: 6, other.pk: 5}


def test_a_site_at_its_seats_does_not_catch_up_on_what_it_missed(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 2
    slow = site_with(10)
    held = queue.claim(worker, 2)
    other = site_with(20)
    for _ in range(8):
        (claimed,) = queue.claim(worker, 1, held)
        lifecycle.hand_back(claimed)
    assert line_of(slow).turn < line_of(other).turn - 4

    settings.BLOG_WORKER_SITE_SEATS = 20
    for generation in held:
        lifecycle.hand_back(generation)

    assert shares(queue.claim(worker, 9)) == {slow.pk: 5, other.pk: 4}


def test_a_line_far_behind_the_clock_is_forecast_to_go_on_at_the_clock() -> None:
    fresh, behind = site_with(1), site_with(9)
    QueueClock.objects.update(turn=100)
    set_turn(fresh, 100)
    assert line_of(behind).turn == 0

    # And not behind what the other has missed.
    assert forecast.queue_position(BlogGeneration.objects.get(site=fresh)) == 1


# --- Sites whose threads wait for their own limit ---------------------------------------------------------------------


def threads_wait(site: Site, *threads: int, seconds_ago: int = 0) -> None:
    """Say so by the heartbeats of as many workers, each with this many threads."""
    for count in threads:
        waiting = {f"wix:{site.instance_id}": count, "openai:gpt": 40}
        at = seconds_from_now(-seconds_ago)
        WorkerProcess.objects.filter(pk=factories.WorkerFactory.create().pk).update(waiting=waiting, heartbeat_at=at)


def test_a_site_that_would_wait_long_for_its_own_limit_comes_after_all_others(worker: WorkerProcess) -> None:
    crowded, other = site_with(5), site_with(5)
    threads_wait(crowded, 9, 8)  # 17 of 200 a minute: 5.1 s

    assert shares(queue.claim(worker, 1)) == {other.pk: 1}
    assert shares(queue.claim(worker, 6)) == {other.pk: 4, crowded.pk: 2}


def test_a_site_whose_threads_wait_shortly_keeps_its_turn(worker: WorkerProcess) -> None:
    site, other = site_with(4), site_with(4)
    threads_wait(site, 8, 8)

    assert shares(queue.claim(worker, 4)) == {site.pk: 2, other.pk: 2}


def test_what_a_dead_worker_last_said_counts_no_more(worker: WorkerProcess) -> None:
    site, other = site_with(4), site_with(4)
    threads_wait(site, 40, seconds_ago=60)

    assert shares(queue.claim(worker, 4)) == {site.pk: 2, other.pk: 2}


def test_a_site_that_came_last_for_its_limit_does_not_catch_up(worker: WorkerProcess) -> None:
    crowded, other = site_with(10), site_with(20)
    threads_wait(crowded, 20)
    queue.claim(worker, 10)

    WorkerProcess.objects.update(waiting={})

    assert shares(queue.claim(worker, 11)) == {crowded.pk: 6, other.pk: 5}


# --- Where claims begin to read ---------------------------------------------------------------------------------------


def test_a_line_that_joined_late_behind_the_others_is_found_within_a_second(worker: WorkerProcess) -> None:
    late, other = site_with(3), site_with(3)
    set_turn(other, 100)
    now, a_second_ago = seconds_from_now(0), seconds_from_now(-1.1)
    QueueClock.objects.update(turn=100, lowest=100, next_lowest=100, looked_at=now)
    assert starts(worker, 1) == [other.pk]

    QueueClock.objects.update(looked_at=a_second_ago)

    assert starts(worker, 1) == [late.pk]
    assert QueueClock.objects.get().lowest == 0


def test_who_finds_nothing_looks_from_the_very_head_before_it_sleeps(worker: WorkerProcess) -> None:
    late = site_with(1)
    QueueClock.objects.update(turn=100, lowest=100, next_lowest=100, looked_at=seconds_from_now(0))

    assert starts(worker, 1) == [late.pk]


def test_a_clock_that_was_put_back_hides_no_line(worker: WorkerProcess) -> None:
    late, other = site_with(1), site_with(3)
    set_turn(other, 100)
    QueueClock.objects.update(turn=100, lowest=100, next_lowest=100, looked_at=seconds_from_now(3600))

    assert starts(worker, 1) == [late.pk]


def test_claims_begin_to_read_at_the_lowest_turn_that_waited(worker: WorkerProcess) -> None:
    first, second = site_with(9), site_with(9)
    queue.claim(worker, 4)

    for turn in (0, 1, 2):
        QueueClock.objects.update(looked_at=seconds_from_now(-1.1))
        queue.claim(worker, 2)

        clock = QueueClock.objects.get()
        assert clock.lowest == turn
        assert clock.lowest <= min(line_of(first).turn, line_of(second).turn)
