"""Lines that stop, wake up, or lose their blogs: silence earns no burst, and no other site waits longer for it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from blogs import queue
from blogs.models import QueueClock
from blogs.queue import lifecycle, lines
from tests.support import factories
from tests.support.blogs.books import in_line, line_of, make_due, row, set_turn
from wix.models import Site
from workers.models import WorkerProcess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def site_with(blogs: int) -> Site:
    site = factories.site(credits=25 * (blogs + 10))
    for _ in range(blogs):
        factories.pending_generation(site)
    return site


def clock_at(turn: float) -> None:
    QueueClock.objects.update(turn=turn)


def test_a_new_line_starts_at_the_clock() -> None:
    clock_at(40)

    assert line_of(site_with(1)).turn == 40


def test_a_line_that_was_empty_starts_at_the_clock_again(worker: WorkerProcess) -> None:
    site = site_with(1)
    queue.claim(worker, 1)
    clock_at(40)

    factories.pending_generation(site)

    assert line_of(site).turn == 40


def test_a_line_ahead_of_the_clock_keeps_its_turn(worker: WorkerProcess) -> None:
    site = site_with(1)
    queue.claim(worker, 1)
    set_turn(site, 50)
    clock_at(40)

    factories.pending_generation(site)

    assert line_of(site).turn == 50


def test_a_line_that_was_not_empty_keeps_its_turn() -> None:
    site = site_with(1)
    clock_at(40)

    factories.pending_generation(site)

    assert line_of(site).turn == 0


@pytest.mark.parametrize("comes_back", ["promoted", "handed back"])
def test_a_blog_that_comes_back_wakes_its_line_at_the_clock(worker: WorkerProcess, comes_back: str) -> None:
    site = factories.site()
    if comes_back == "promoted":
        factories.pending_generation(site, scheduled_at=timezone.now() + timedelta(hours=1))
        clock_at(40)
        make_due()
        queue.promote()
    else:
        generation = factories.processing_generation(site, worker)
        clock_at(40)
        lifecycle.hand_back(generation)

    assert (line_of(site).turn, in_line(site)) == (40, 1)


def test_a_paused_line_starts_nothing_and_costs_the_others_nothing(worker: WorkerProcess) -> None:
    paused, other = site_with(50), site_with(5)
    lines.pause(line_of(paused))

    assert {blog.site_id for blog in queue.claim(worker, 10)} == {other.pk}
    assert queue.claim(worker, 10) == []


def test_a_resumed_line_does_not_catch_up_on_what_it_missed(worker: WorkerProcess) -> None:
    paused, other = site_with(10), site_with(20)
    lines.pause(line_of(paused))
    queue.claim(worker, 10)

    lines.resume(line_of(paused))

    assert line_of(paused).turn == QueueClock.objects.get().turn == 9
    assert Counter(blog.site_id for blog in queue.claim(worker, 11)) == {paused.pk: 6, other.pk: 5}


def test_a_resumed_line_ahead_of_the_clock_stays_there() -> None:
    site = site_with(1)
    lines.pause(line_of(site))
    set_turn(site, 12)

    lines.resume(line_of(site))

    assert line_of(site).turn == 12


def test_blogs_may_join_a_paused_line() -> None:
    site = site_with(1)
    lines.pause(line_of(site))

    factories.pending_generation(site)

    assert in_line(site) == 2


def test_cancelling_a_whole_line_does_not_delay_its_sites_next_blog(worker: WorkerProcess) -> None:
    site, other = site_with(60), site_with(30)
    for generation in list(site.generations.all()):
        lifecycle.cancel(generation.pk, by="shop")

    last = factories.pending_generation(site)

    assert last.pk in {blog.pk for blog in queue.claim(worker, 2)}
    assert in_line(other) == 29


def test_a_changed_weight_counts_at_once(worker: WorkerProcess) -> None:
    site = site_with(3)
    queue.claim(worker, 1)
    assert line_of(site).turn == 1

    lines.set_weight(line_of(site), 4)

    assert line_of(site).turn == 0.25
    queue.claim(worker, 1)
    assert line_of(site).turn == 0.5


def test_a_lowered_weight_takes_back_nothing_that_was_earned(worker: WorkerProcess) -> None:
    site = site_with(3)
    lines.set_weight(line_of(site), 4)
    queue.claim(worker, 1)

    lines.set_weight(line_of(site), 1)

    assert line_of(site).turn == 0.25
    queue.claim(worker, 1)
    assert line_of(site).turn == 1.25


@pytest.mark.parametrize("weight", [0, -1, 0.5, 11, float("nan"), float("inf")])
def test_a_weight_that_makes_no_sense_is_refused(weight: float) -> None:
    line = line_of(site_with(1))

    with pytest.raises(ValueError, match="A weight is from 1 to 10,"):
        lines.set_weight(line, weight)

    assert (line_of(line.site).step, line_of(line.site).turn) == (1, 0)


def test_blogs_cancelled_out_of_the_middle_of_a_line_are_not_claimed(worker: WorkerProcess) -> None:
    site = site_with(5)
    blogs = list(site.generations.order_by("id"))
    for generation in blogs[:4]:
        lifecycle.cancel(generation.pk, by="shop")

    (claimed,) = queue.claim(worker, 5)

    assert claimed.pk == blogs[4].pk
    assert row(blogs[0]).status == "CANCELLED"
