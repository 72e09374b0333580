"""A thread whose lease was lost writes nothing: not the row, not an event, not a credit."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from blogs import queue
from blogs.models import BlogGeneration, GenerationEvent, Stage, StageOutput
from blogs.queue import lifecycle
from credits.models import Credit
from tests.support import factories
from tests.support.blogs.books import expire_leases, history
from workers.errors import LeaseLost, PermanentError, RateLimited, TransientError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]

Write = Callable[[BlogGeneration], Any]
WRITES: dict[str, Write] = {
    "checkpoint": lambda blog: lifecycle.checkpoint(blog, Stage.PRODUCTS, {}, next_stage=Stage.IDEA),
    "start_over": lambda blog: lifecycle.start_over(
        blog, Stage.IMAGE_ORDER, forgetting=[Stage.IMAGE], because=TransientError("image_too_old", "Too old.")
    ),
    "note_draft_create": lifecycle.note_draft_create,
    "succeed": lambda blog: lifecycle.succeed(blog, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4())),
    "defer": lambda blog: lifecycle.defer(blog, RateLimited("rate_limited", "Later.", retry_in=1)),
    "retry_later": lambda blog: lifecycle.retry_later(blog, TransientError("timeout", "Too slow.")),
    "fail": lambda blog: lifecycle.fail(blog, PermanentError("refused", "No.")),
}


def everything() -> list[list[object]]:
    models = (BlogGeneration, GenerationEvent, StageOutput, Credit)
    return [[*model.objects.order_by("pk").values()] for model in models]


def rescued_from(site: Any = None) -> BlogGeneration:
    """As the worker remembers it whose blog was rescued and is with another worker by now."""
    stale = factories.processing_generation(site)
    expire_leases()
    assert queue.rescue() == 1
    assert len(queue.claim(factories.WorkerFactory.create(), 1)) == 1
    return stale


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_who_lost_the_lease_to_another_worker_writes_nothing(write: Write) -> None:
    stale = rescued_from()
    before = everything()

    with pytest.raises(LeaseLost):
        write(stale)

    assert everything() == before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_who_lost_the_lease_to_a_rescue_writes_nothing(write: Write) -> None:
    stale = factories.processing_generation()
    expire_leases()
    queue.rescue()
    before = everything()

    with pytest.raises(LeaseLost):
        write(stale)

    assert everything() == before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_finished_blog_is_not_written_again(write: Write) -> None:
    generation = factories.processing_generation()
    lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))
    generation.draft_post_id = None
    before = everything()

    with pytest.raises(LeaseLost):
        write(generation)

    assert everything() == before


def test_who_lost_the_lease_honours_no_cancel() -> None:
    stale = rescued_from()
    lifecycle.cancel(stale.pk, by="shop")
    before = everything()

    assert not lifecycle.honour_cancel(stale)

    assert everything() == before


def test_who_lost_the_lease_hands_nothing_back() -> None:
    stale = rescued_from()
    before = everything()

    assert not lifecycle.hand_back(stale)

    assert everything() == before


def test_who_lost_the_lease_renews_nothing() -> None:
    stale = rescued_from()
    before = everything()

    assert queue.renew([stale]) == 0

    assert everything() == before


def test_a_thread_whose_lease_ran_out_unnoticed_may_still_finish() -> None:
    generation = factories.processing_generation()
    expire_leases()

    lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))

    assert queue.rescue() == 0


def test_a_checkpoint_whose_answer_was_lost_is_repeated_without_a_second_event() -> None:
    generation = factories.processing_generation()
    for _ in range(2):
        warning = TransientError("image_failed", "No picture.")
        lifecycle.checkpoint(generation, Stage.PRODUCTS, {"n": 1}, next_stage=Stage.IDEA, warnings=[warning])

    assert history(generation) == ["submitted", "started", "checkpoint", "warning"]
    assert StageOutput.objects.count() == 1
