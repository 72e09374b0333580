from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs import queue
from blogs.models import Stage, Status
from blogs.queue import lifecycle
from blogs.queue.lifecycle import WrongState
from credits.ledger import InsufficientCredits
from credits.models import Credit
from tests.support import factories
from tests.support.blogs.books import credits_of, history, in_line, last_event, row
from workers.errors import PermanentError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def test_a_failed_blog_starts_again_with_a_hold_of_its_own() -> None:
    site = factories.site(credits=100)
    failed = factories.failed_generation(site)

    lifecycle.requeue(failed.pk, by="staff:ann")

    again = row(failed)
    assert (again.status, again.ready, again.attempts, again.rescues) == (Status.PENDING, True, 0, 0)
    assert (again.error_code, again.finished_at) == ("", None)
    assert in_line(site) == 1
    assert credits_of(site) == (100, 25)
    assert Credit.objects.filter(generation_id=failed.pk, kind="hold").count() == 2
    assert (last_event(failed).kind, last_event(failed).by) == ("requeued", "staff:ann")


def test_a_requeued_blog_continues_behind_the_stages_it_has_paid_for() -> None:
    generation = factories.processing_generation()
    lifecycle.checkpoint(generation, Stage.IDEA, {"title": "T"}, next_stage=Stage.ARTICLE)
    lifecycle.fail(generation, PermanentError("content_refused", "It was refused."))

    lifecycle.requeue(generation.pk, by="staff:ann")

    assert row(generation).stage == Stage.ARTICLE
    assert generation.outputs.count() == 1


def test_a_requeued_blog_goes_before_its_sites_fresh_ones() -> None:
    site = factories.site()
    failed = factories.failed_generation(site)
    older_than_the_requeue = factories.pending_generation(site)

    lifecycle.requeue(failed.pk, by="staff:ann")

    (first,) = queue.claim(factories.WorkerFactory.create(), 1)
    assert first.pk == failed.pk != older_than_the_requeue.pk


@pytest.mark.parametrize(
    "made",
    [factories.pending_generation, factories.processing_generation, factories.done_generation],
    ids=["PENDING", "PROCESSING", "DONE"],
)
def test_no_other_blogs_are_requeued(made: Any) -> None:
    generation = made()

    with pytest.raises(WrongState, match="only FAILED and CANCELLED blogs can be retried"):
        lifecycle.requeue(generation.pk, by="staff:ann")

    assert "requeued" not in history(generation)


def test_a_cancelled_blog_starts_again_too() -> None:
    site = factories.site(credits=100)
    generation = factories.pending_generation(site)
    lifecycle.cancel(generation.pk, by="shop")

    lifecycle.requeue(generation.pk, by="staff:ann", reason="a slip")

    assert row(generation).status == Status.PENDING
    assert credits_of(site) == (100, 25)
    assert (last_event(generation).kind, last_event(generation).message) == ("requeued", "a slip")


def test_a_cancelled_blog_waits_for_its_shops_time_again() -> None:
    site, later = factories.site(credits=100), timezone.now() + timedelta(days=1)
    generation = factories.pending_generation(site, scheduled_at=later)
    lifecycle.cancel(generation.pk, by="staff:ann")

    lifecycle.requeue(generation.pk, by="staff:ann")

    again = row(generation)
    assert (again.status, again.ready, again.run_after) == (Status.PENDING, False, later)
    assert in_line(site) == 0
    assert credits_of(site) == (100, 25)


def test_from_scratch_all_that_it_made_is_forgotten() -> None:
    generation = factories.processing_generation()
    lifecycle.checkpoint(generation, Stage.IDEA, {"title": "T"}, next_stage=Stage.ARTICLE)
    lifecycle.fail(generation, PermanentError("content_refused", "It was refused."))

    lifecycle.requeue(generation.pk, by="staff:ann", from_scratch=True)

    assert row(generation).stage == Stage.PRODUCTS
    assert row(generation).draft_search_since is None
    assert not generation.outputs.exists()


def test_from_scratch_a_draft_that_may_be_at_wix_is_looked_for_whatever_its_title() -> None:
    generation = factories.processing_generation()
    lifecycle.note_draft_create(generation)
    lifecycle.fail(generation, PermanentError("timeout", "Too slow."))

    lifecycle.requeue(generation.pk, by="staff:ann", from_scratch=True)

    assert row(generation).draft_search_since == row(generation).draft_create_started_at


def test_a_requeue_that_cannot_be_paid_leaves_the_blog_failed() -> None:
    site = factories.site(credits=25)
    failed = factories.failed_generation(site)
    factories.pending_generation(site)

    with pytest.raises(InsufficientCredits):
        lifecycle.requeue(failed.pk, by="staff:ann")

    assert row(failed).status == Status.FAILED
    assert in_line(site) == 1


def test_a_wish_to_cancel_that_the_failure_overtook_does_not_cancel_the_requeued_blog() -> None:
    generation = factories.processing_generation()
    lifecycle.cancel(generation.pk, by="shop")
    lifecycle.fail(generation, PermanentError("content_refused", "It was refused."))

    lifecycle.requeue(generation.pk, by="staff:ann")

    (again,) = queue.claim(factories.WorkerFactory.create(), 1)
    assert lifecycle.checkpoint(again, Stage.PRODUCTS, {}, next_stage=Stage.IDEA)
