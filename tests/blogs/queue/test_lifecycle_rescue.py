"""Coming back without an outcome: a worker died (rescue), or must stop (hand_back)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from blogs import queue
from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.blogs.books import credits_of, expire_leases, history, in_line, row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def test_a_rescue_spends_a_rescue_and_no_attempt() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)
    expire_leases()

    assert lifecycle.rescue(generation.pk)

    back = row(generation)
    assert (back.status, back.ready, back.attempts, back.rescues) == (Status.PENDING, True, 0, 1)
    assert (back.lease_token, back.worker_id) == (None, None)
    assert in_line(site) == 1
    assert credits_of(site) == (100, 25)
    assert history(generation)[-1] == "rescued"


def test_a_blog_whose_lease_runs_is_not_rescued() -> None:
    generation = factories.processing_generation()

    assert not lifecycle.rescue(generation.pk)

    assert row(generation).status == Status.PROCESSING


def test_a_blog_that_finished_meanwhile_is_not_rescued() -> None:
    done = factories.done_generation()

    assert not lifecycle.rescue(done.pk)

    assert row(done).status == Status.DONE


def with_rescues(count: int, **fields: Any) -> BlogGeneration:
    generation = factories.processing_generation(**fields)
    BlogGeneration.objects.filter(pk=generation.pk).update(rescues=count)
    return generation


def test_the_last_allowed_rescue_still_brings_the_blog_back(settings: Any) -> None:
    generation = with_rescues(settings.BLOG_MAX_RESCUES - 1)
    expire_leases()

    lifecycle.rescue(generation.pk)

    assert (row(generation).status, row(generation).rescues) == (Status.PENDING, settings.BLOG_MAX_RESCUES)


def test_a_blog_that_kills_its_workers_is_given_up(settings: Any) -> None:
    site = factories.site(credits=100)
    generation = with_rescues(settings.BLOG_MAX_RESCUES, site_=site)
    expire_leases()

    lifecycle.rescue(generation.pk)

    assert (row(generation).status, row(generation).error_code) == (Status.FAILED, "rescued_too_often")
    assert credits_of(site) == (100, 0)
    assert in_line(site) == 0


def test_a_blog_with_a_draft_that_kills_its_workers_is_done_with_a_warning(settings: Any) -> None:
    site = factories.site(credits=100)
    generation = with_rescues(settings.BLOG_MAX_RESCUES, site_=site, publish=True)
    lifecycle.checkpoint(generation, Stage.DRAFT, {}, next_stage=Stage.PUBLISH, draft_post_id=str(uuid.uuid4()))
    expire_leases()

    lifecycle.rescue(generation.pk)

    assert row(generation).status == Status.DONE
    assert credits_of(site) == (75, 0)
    assert "warning" in history(generation)


def test_a_rescued_blog_goes_on_behind_the_stages_it_has_paid_for() -> None:
    generation = factories.processing_generation()
    lifecycle.checkpoint(generation, Stage.IDEA, {"title": "T"}, next_stage=Stage.ARTICLE)
    expire_leases()

    queue.rescue()

    (again,) = queue.claim(factories.WorkerFactory.create(), 1)
    assert (again.stage, again.attempts) == (Stage.ARTICLE, 1)
    assert again.lease_token != generation.lease_token


def test_what_is_handed_back_gets_its_attempt_back_and_is_not_counted_as_a_rescue() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)

    assert lifecycle.hand_back(generation)

    back = row(generation)
    assert (back.status, back.ready, back.attempts, back.rescues) == (Status.PENDING, True, 0, 0)
    assert back.lease_token is None
    assert in_line(site) == 1
    assert credits_of(site) == (100, 25)
    assert history(generation)[-1] == "handed_back"


def test_a_blog_that_its_thread_finished_after_all_is_not_handed_back() -> None:
    generation = factories.processing_generation()
    lifecycle.succeed(generation, Stage.DRAFT, {}, draft_post_id=str(uuid.uuid4()))

    assert queue.hand_back([generation]) == 0

    assert row(generation).status == Status.DONE
