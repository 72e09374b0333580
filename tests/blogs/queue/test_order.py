"""Who is next: between sites by turn, within a site by priority, then what has run before, then age."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from blogs import queue
from blogs.models import BlogGeneration, QueueClock
from blogs.queue import lifecycle, lines
from tests.support import factories
from tests.support.blogs.books import (
    block_wix,
    expire_leases,
    in_hand,
    line_of,
    make_due,
    set_turn,
    shares,
    site_with,
    starts,
)
from workers.errors import TransientError
from workers.models import WorkerProcess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


# --- Between sites ----------------------------------------------------------------------------------------------------


def test_sites_take_turns_however_many_blogs_each_has(worker: WorkerProcess) -> None:
    whale, small, other = site_with(12), site_with(3), site_with(3)

    claimed = queue.claim(worker, 9)

    assert shares(claimed) == {whale.pk: 3, small.pk: 3, other.pk: 3}


def test_one_claim_of_many_starts_the_same_as_many_claims_of_one(worker: WorkerProcess) -> None:
    first, second = site_with(5), site_with(5)

    order = starts(worker, 6)

    assert order == [first.pk, second.pk] * 3


def test_a_line_of_weight_two_starts_two_blogs_for_each_one_of_weight_one(worker: WorkerProcess) -> None:
    heavy, light = site_with(10), site_with(10)
    lines.set_weight(line_of(heavy), 2)

    assert shares(queue.claim(worker, 9)) == {heavy.pk: 6, light.pk: 3}


def test_weights_hold_over_single_claims_too(worker: WorkerProcess) -> None:
    heavy, light = site_with(12), site_with(12)
    lines.set_weight(line_of(heavy), 2)

    assert Counter(starts(worker, 12)) == {heavy.pk: 8, light.pk: 4}


def test_a_line_that_owes_turns_waits_until_the_others_caught_up(worker: WorkerProcess) -> None:
    ahead, behind = site_with(3), site_with(3)
    set_turn(ahead, 2)

    assert starts(worker, 4) == [behind.pk, behind.pk, ahead.pk, behind.pk]


def test_the_clock_is_the_highest_turn_started_and_never_goes_back(worker: WorkerProcess) -> None:
    ahead = site_with(1)
    set_turn(ahead, 7)
    queue.claim(worker, 1)
    assert QueueClock.objects.get().turn == 7
    behind = site_with(1)
    set_turn(behind, 3)

    queue.claim(worker, 1)

    assert QueueClock.objects.get().turn == 7
    assert line_of(behind).turn == 8  # behind the clock is at the clock


def test_an_empty_queue_gives_nothing(worker: WorkerProcess) -> None:
    assert queue.claim(worker, 10) == []


def test_no_more_is_claimed_than_asked_for(worker: WorkerProcess) -> None:
    site_with(5)

    assert len(queue.claim(worker, 3)) == 3


# --- A site's share of a worker's seats -------------------------------------------------------------------------------


def test_a_site_gets_no_more_than_its_seats_while_others_wait(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 3
    whale, other = site_with(10), site_with(10)
    set_turn(other, 100)

    assert shares(queue.claim(worker, 6)) == {whale.pk: 3, other.pk: 3}


def test_seats_that_a_site_holds_already_count(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 3
    whale = site_with(10)
    queue.claim(worker, 2)
    other = site_with(10)
    set_turn(other, 100)

    assert shares(queue.claim(worker, 4, in_hand(worker))) == {whale.pk: 1, other.pk: 3}


def test_seats_of_another_worker_do_not_count(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 3
    whale = site_with(10)
    queue.claim(factories.WorkerFactory.create(), 3)
    other = site_with(10)
    set_turn(other, 100)

    assert shares(queue.claim(worker, 3, in_hand(worker))) == {whale.pk: 3}


def test_a_site_alone_gets_every_seat(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 3
    whale = site_with(10)

    assert shares(queue.claim(worker, 8)) == {whale.pk: 8}


def test_seats_that_the_others_cannot_fill_go_to_who_can(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 3
    whale, small = site_with(10), site_with(1)

    assert shares(queue.claim(worker, 8)) == {whale.pk: 7, small.pk: 1}


def test_a_single_free_seat_goes_past_a_site_that_holds_its_share(worker: WorkerProcess, settings: Any) -> None:
    settings.BLOG_WORKER_SITE_SEATS = 3
    site_with(10)
    queue.claim(worker, 3)
    other = site_with(10)
    set_turn(other, 100)

    assert starts(worker, 3) == [other.pk] * 3


# --- Who is skipped ---------------------------------------------------------------------------------------------------


def test_a_site_that_wix_has_blocked_for_long_is_skipped(worker: WorkerProcess) -> None:
    blocked, free = site_with(3), site_with(3)
    block_wix(blocked, 60)

    assert shares(queue.claim(worker, 6)) == {free.pk: 3}


def test_a_site_that_wix_has_blocked_for_a_moment_is_not_skipped(worker: WorkerProcess) -> None:
    site = site_with(2)
    block_wix(site, 3)

    assert shares(queue.claim(worker, 2)) == {site.pk: 2}


# --- Within a site ----------------------------------------------------------------------------------------------------


def test_the_oldest_blog_of_a_site_starts_first(worker: WorkerProcess) -> None:
    site = factories.site()
    blogs = [factories.pending_generation(site).pk for _ in range(3)]

    assert [queue.claim(worker, 1)[0].pk for _ in range(3)] == blogs


def test_a_lower_priority_number_goes_first_within_its_site_only(worker: WorkerProcess) -> None:
    site, other = factories.site(), factories.site()
    factories.pending_generation(other)
    factories.pending_generation(site)
    urgent = factories.pending_generation(site)
    BlogGeneration.objects.filter(pk=urgent.pk).update(priority=-1)

    first, second = queue.claim(worker, 1), queue.claim(worker, 1)

    assert first[0].site_id == min(site.pk, other.pk)
    assert urgent.pk in {first[0].pk, second[0].pk}


def test_what_has_run_before_goes_before_fresh_blogs(worker: WorkerProcess) -> None:
    site = factories.site()
    fresh = factories.pending_generation(site)
    begun = factories.pending_generation(site)
    BlogGeneration.objects.filter(pk=begun.pk).update(priority=-1)
    (claimed,) = queue.claim(worker, 1)
    assert claimed.pk == begun.pk
    BlogGeneration.objects.filter(pk=begun.pk).update(priority=0)
    lifecycle.retry_later(claimed, TransientError("timeout", "Too slow."))
    make_due()
    queue.promote()

    order = [queue.claim(worker, 1)[0].pk for _ in range(2)]

    assert order == [begun.pk, fresh.pk]


def test_priority_goes_before_having_run(worker: WorkerProcess) -> None:
    site = factories.site()
    begun = factories.processing_generation(site, worker)
    expire_leases()
    queue.rescue()
    urgent = factories.pending_generation(site)
    BlogGeneration.objects.filter(pk=urgent.pk).update(priority=-1)

    assert [queue.claim(worker, 1)[0].pk for _ in range(2)] == [urgent.pk, begun.pk]
