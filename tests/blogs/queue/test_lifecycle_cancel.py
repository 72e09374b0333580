from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs import queue
from blogs.models import Stage, Status
from blogs.queue import lifecycle
from blogs.queue.lifecycle import WrongState
from tests.support import factories
from tests.support.blogs.books import credits_of, expire_leases, history, in_line, row
from workers.errors import PermanentError, RateLimited, TransientError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def test_a_blog_in_line_is_cancelled_at_once() -> None:
    site = factories.site(credits=100)
    generation = factories.pending_generation(site)

    lifecycle.cancel(generation.pk, by="shop")

    assert row(generation).status == Status.CANCELLED
    assert in_line(site) == 0
    assert credits_of(site) == (100, 0)
    assert history(generation) == ["submitted", "cancelled"]


def test_a_blog_that_waits_for_its_time_is_cancelled_and_its_line_keeps_its_count() -> None:
    site = factories.site(credits=100)
    factories.pending_generation(site)
    scheduled = factories.pending_generation(site, scheduled_at=timezone.now() + timedelta(days=1))

    lifecycle.cancel(scheduled.pk, by="shop")

    assert row(scheduled).status == Status.CANCELLED
    assert in_line(site) == 1
    assert credits_of(site) == (100, 25)


def test_a_running_blog_stops_at_its_next_checkpoint_and_keeps_what_it_has_made() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)

    lifecycle.cancel(generation.pk, by="shop")
    assert row(generation).status == Status.PROCESSING
    goes_on = lifecycle.checkpoint(generation, Stage.IDEA, {"title": "T"}, next_stage=Stage.ARTICLE)

    assert not goes_on
    assert row(generation).status == Status.CANCELLED
    assert generation.outputs.count() == 1
    assert credits_of(site) == (100, 0)
    assert history(generation) == ["submitted", "started", "cancel_requested", "checkpoint", "cancelled"]


@pytest.mark.parametrize(
    "put_off",
    [
        lambda blog: lifecycle.defer(blog, RateLimited("rate_limited", "Later.", retry_in=1)),
        lambda blog: lifecycle.retry_later(blog, TransientError("timeout", "Too slow.")),
        lifecycle.hand_back,
    ],
    ids=["defer", "retry_later", "hand_back"],
)
def test_a_blog_asked_to_cancel_is_not_put_off_but_cancelled(put_off: Any) -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)
    lifecycle.cancel(generation.pk, by="shop")

    put_off(generation)

    assert row(generation).status == Status.CANCELLED
    assert credits_of(site) == (100, 0)
    assert in_line(site) == 0


def test_a_blog_asked_to_cancel_whose_worker_died_is_cancelled_by_the_rescue() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)
    lifecycle.cancel(generation.pk, by="shop")
    expire_leases()

    queue.rescue()

    assert row(generation).status == Status.CANCELLED
    assert credits_of(site) == (100, 0)


def test_a_blog_whose_draft_exists_is_not_cancelled() -> None:
    generation = factories.processing_generation(publish=True)
    lifecycle.checkpoint(generation, Stage.DRAFT, {}, next_stage=Stage.PUBLISH, draft_post_id=str(uuid.uuid4()))

    with pytest.raises(WrongState, match="its draft post exists"):
        lifecycle.cancel(generation.pk, by="shop")

    assert row(generation).cancel_requested_at is None


def test_a_draft_that_was_made_before_the_wish_was_seen_is_kept_and_paid() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site, publish=True)
    lifecycle.cancel(generation.pk, by="shop")

    goes_on = lifecycle.checkpoint(
        generation, Stage.DRAFT, {}, next_stage=Stage.PUBLISH, draft_post_id=str(uuid.uuid4())
    )
    lifecycle.succeed(generation, Stage.PUBLISH, {})

    assert goes_on
    assert row(generation).status == Status.DONE
    assert credits_of(site) == (75, 0)


def test_cancelling_twice_is_the_same_as_once() -> None:
    site = factories.site(credits=100)
    generation = factories.pending_generation(site)
    lifecycle.cancel(generation.pk, by="shop")

    again = lifecycle.cancel(generation.pk, by="shop")

    assert again.status == Status.CANCELLED
    assert history(generation) == ["submitted", "cancelled"]
    assert credits_of(site) == (100, 0)


@pytest.mark.parametrize("finished", [factories.done_generation, factories.failed_generation], ids=["DONE", "FAILED"])
def test_a_finished_blog_is_not_cancelled(finished: Any) -> None:
    generation = finished()

    with pytest.raises(WrongState):
        lifecycle.cancel(generation.pk, by="shop")

    assert row(generation).status == generation.status


def test_a_blog_that_fails_before_it_sees_the_wish_is_failed_not_cancelled() -> None:
    generation = factories.processing_generation()
    lifecycle.cancel(generation.pk, by="shop")

    lifecycle.fail(generation, PermanentError("content_refused", "It was refused."))

    assert row(generation).status == Status.FAILED
