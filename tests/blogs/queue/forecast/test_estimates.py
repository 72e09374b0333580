"""What a shop is told of its blogs' starts and ends, and where no time can be named."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from blogs.ideas import bank
from blogs.models import BlogGeneration, QueueClock, SiteLine, Stage
from blogs.providers import ordinary_blog
from blogs.queue import forecast, lifecycle
from blogs.queue.forecast import Estimate
from blogs.queue.forecast import outlook as outlooks
from blogs.queue.forecast.learned import learned
from blogs.queue.forecast.outlook import Outlook, outlook
from tests.support import factories
from workers.context.process_memory import forget_everything
from workers.models import Breaker, RateLimit, WorkerProcess

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    forget_everything()


def estimate(blog: BlogGeneration) -> Estimate:
    forget_everything()
    return forecast.estimates([BlogGeneration.objects.get(pk=blog.pk)])[blog.pk]


def seconds_until(moment: datetime) -> float:
    return (moment - timezone.now()).total_seconds()


def test_with_a_free_seat_it_starts_now_and_ends_after_what_an_ordinary_blog_takes(worker: WorkerProcess) -> None:
    found = estimate(factories.pending_generation())

    assert (found.position, found.wait, found.waits_for) == (1, 0, "")
    assert found.start
    assert found.end
    assert seconds_until(found.start.late) == pytest.approx(1, abs=1)
    assert seconds_until(found.end.early) == pytest.approx(51, abs=3)
    assert seconds_until(found.end.late) == pytest.approx(65 * 1.3, abs=3)


def test_with_full_seats_it_starts_when_the_first_of_them_is_free(worker: WorkerProcess) -> None:
    WorkerProcess.objects.update(threads=1)
    factories.processing_generation(factories.site(), worker)

    found = estimate(factories.pending_generation())

    assert found.wait == pytest.approx(65, abs=2)


def test_a_site_above_its_share_of_the_seats_lets_others_go_first(worker: WorkerProcess, settings: Any) -> None:
    WorkerProcess.objects.update(threads=3)
    site, other = factories.site(), factories.site()
    for _ in range(2):
        factories.processing_generation(site, worker)
    nearly_done = factories.processing_generation(other, worker)
    BlogGeneration.objects.filter(pk=nearly_done.pk).update(stage=Stage.PUBLISH)
    mine = factories.pending_generation(site)
    for _ in range(4):
        factories.pending_generation(other)
    within_its_share = estimate(mine).wait

    settings.BLOG_WORKER_SITE_SEATS = 1

    above_it = estimate(mine)
    assert within_its_share
    assert above_it.wait
    assert above_it.start
    # The other's blog ends first, but its seat goes to the other site: both of this one have to end.
    assert within_its_share < 30
    assert above_it.wait > 60
    # When that is, is known less well than when some seat is free.
    assert (above_it.start.late - above_it.start.early).total_seconds() > 0.35 * above_it.wait


def test_a_blog_whose_idea_came_with_anothers_ends_sooner(worker: WorkerProcess) -> None:
    blog = factories.pending_generation()
    before = estimate(blog).end
    bank.add(blog.site_id, bank.New(bank.Kind.TITLE, "Five scarves", "en", blog.pk, {"title": "Five scarves"}))

    after = estimate(blog).end

    assert before
    assert after
    # By the seconds of an idea.
    assert 2 < (before.late - after.late).total_seconds() < 8


def test_many_blogs_of_a_site_end_no_faster_than_its_own_limit_at_wix_allows(
    worker: WorkerProcess, settings: Any
) -> None:
    blogs = [factories.pending_generation() for _ in range(1)]
    blogs += [factories.pending_generation(blogs[0].site) for _ in range(4)]
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "wix": {**settings.RATE_LIMITS["wix"], "requests": 8}}

    found = estimate(blogs[-1])

    # The first ends after 65 seconds, and each that follows takes what its calls take of eight a minute.
    assert found.end
    assert (
        seconds_until(found.end.early)
        < 65 + 4 * ordinary_blog.WIX_CALLS * 60 / 8
        < seconds_until(found.end.late)
        < 5 * 60
    )


def test_what_others_lately_asked_for_may_go_on_and_delay_the_end_of_a_long_line(worker: WorkerProcess) -> None:
    WorkerProcess.objects.update(threads=1)
    factories.processing_generation(factories.site(), worker)
    site = factories.site()
    mine = [factories.pending_generation(site) for _ in range(9)]
    alone = estimate(mine[-1])

    for _ in range(6):
        factories.pending_generation()

    more = estimate(mine[-1])
    assert alone.start
    assert more.start
    assert alone.position == 9
    assert more.position == 15
    # Six starts more before it, and most of as many again which may come.
    assert more.wait
    assert alone.wait
    assert more.wait - alone.wait > 9 * 65
    assert more.start.late - more.start.early > 1.5 * (alone.start.late - alone.start.early)


def test_no_more_comes_than_the_queue_has_room_for(worker: WorkerProcess, settings: Any) -> None:
    WorkerProcess.objects.update(threads=1)
    factories.processing_generation(factories.site(), worker)
    site = factories.site()
    mine = [factories.pending_generation(site) for _ in range(9)]
    for _ in range(6):
        factories.pending_generation()
    may_come = estimate(mine[-1]).wait

    settings.BLOG_QUEUE_LIMIT = 15

    full = estimate(mine[-1]).wait
    assert may_come
    assert full
    # One seat after the other; blogs whose ideas come with another's take a few seconds less.
    assert full == pytest.approx(15 * 65, rel=0.06)
    assert may_come > full + 3 * 65


def test_while_all_places_are_given_those_who_need_an_idea_wait_for_one(worker: WorkerProcess) -> None:
    for _ in range(30):
        blog = factories.processing_generation(factories.site(), worker)
        BlogGeneration.objects.filter(pk=blog.pk).update(stage=Stage.IDEA)
    limit = RateLimit.objects.create(provider="openai", requests_per_minute=450)

    def text_waits(given_for: float) -> float:
        """Return how long a text waits if all places of the next seconds are given."""
        forget_everything()
        RateLimit.objects.filter(pk=limit.pk).update(tokens_tat=timezone.now() + timedelta(seconds=given_for))
        return outlook().course.text_waits

    few_are_given, all_are_given = text_waits(0.5), text_waits(2)

    lately = learned()
    assert few_are_given < 0.6
    assert all_are_given == pytest.approx(2 + 30 * lately.idea_share / lately.a_second(), abs=0.6)


def test_while_one_thread_reads_the_outlook_again_others_go_by_the_last_but_by_no_old_one(
    worker: WorkerProcess,
) -> None:
    def aged(seconds: float) -> Outlook:
        memory.value = replace(outlook(), read_at_monotonic=time.monotonic() - seconds)
        return memory.value

    def read() -> Outlook:
        try:
            return outlook()
        finally:
            connection.close()

    memory, lock = outlooks._memory, outlooks._lock
    outlook()
    with ThreadPoolExecutor(1) as thread:
        with lock:
            last = aged(1.2)
            assert outlook() is last
            old = aged(2.0)
            waits = thread.submit(read)
            assert not wait([waits], timeout=0.2).done
        assert waits.result() is not old


@pytest.mark.parametrize("what", ["line_paused", "all_paused", "openai", "workers"])
def test_where_no_time_can_be_named_it_says_what_the_blog_waits_for(worker: WorkerProcess, what: str) -> None:
    blog = factories.pending_generation()
    match what:
        case "line_paused":
            SiteLine.objects.filter(site=blog.site_id).update(paused=True)
        case "all_paused":
            QueueClock.objects.update(paused_at=timezone.now())
        case "openai":
            Breaker.objects.update_or_create(provider="openai", defaults={"opened_at": timezone.now()})
        case "workers":
            WorkerProcess.objects.all().delete()

    found = estimate(blog)

    assert (found.waits_for, found.start, found.end) == (what, None, None)
    assert found.position == 1


def test_a_picture_can_be_gone_without(worker: WorkerProcess) -> None:
    Breaker.objects.update_or_create(provider="replicate", defaults={"opened_at": timezone.now()})

    assert estimate(factories.pending_generation()).start


def test_one_that_is_being_written_has_an_end_only(worker: WorkerProcess) -> None:
    found = estimate(factories.processing_generation(factories.site(), worker))

    assert (found.position, found.start) == (None, None)
    assert found.end
    assert 10 < seconds_until(found.end.early) < seconds_until(found.end.late) < 120


def test_a_finished_one_and_a_scheduled_one_have_none(worker: WorkerProcess) -> None:
    site = factories.site()
    done, later = factories.done_generation(site), factories.pending_generation(site)
    lifecycle.cancel(later.pk, by="shop")

    assert forecast.estimates([done]) == {}
    assert forecast.estimates([BlogGeneration.objects.get(pk=later.pk)]) == {}


def test_an_answer_shows_the_ranges(api: Any, worker: WorkerProcess) -> None:
    body = api(factories.site()).post().json()

    assert body["waitsFor"] is None
    assert body["createdAt"][:16] <= body["estimatedStart"]["early"][:16]
    assert body["estimatedStart"]["early"] < body["estimatedStart"]["late"] < body["estimatedEnd"]["early"]
    assert body["estimatedEnd"]["early"] < body["estimatedEnd"]["late"]
    assert body["estimatedEnd"]["late"].endswith("Z")
