"""A create that may have succeeded is never simply repeated: wait, look, and only then create; the sweep removes what is left."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from blogs import sweep
from blogs.models import BlogGeneration, GenerationEvent, StageOutput, Status
from blogs.operations import proof
from blogs.queue import lifecycle
from blogs.stages.draft import marked_drafts
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, age_the_create, end_delays
from wix.client import access_tokens, http
from wix.models import Site
from wix.posts import drafts


def lose_the_answer(sandbox: Sandbox) -> None:
    """Let Wix make the next draft, and the connection break before its answer. No deadline has to pass for that."""
    sandbox.fault("wix", "after_success", "draft_create", seconds=0)


def test_a_create_that_timed_out_after_succeeding_is_found_and_not_repeated(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS}
    sandbox.fault("wix", "after_success", "draft_create", seconds=60)
    factories.pending_generation(shop)
    settings.STAGE_DEADLINE_SECONDS["draft"] = 2.0  # all other calls of the stage must be over by then, too
    hurt = attempt()
    settings.STAGE_DEADLINE_SECONDS["draft"] = 90.0
    assert (hurt.status, hurt.draft_post_id) == (Status.PENDING, None)

    unsure = attempt()
    why = unsure.events.order_by("-id")[0].code
    age_the_create(90)
    done = attempt()

    assert (unsure.status, unsure.attempts, why) == (Status.PENDING, 0, "draft_unsure")  # waiting spends nothing
    assert done.status == Status.DONE
    (draft,) = sandbox.drafts()
    assert draft["id"] == str(done.draft_post_id)
    assert StageOutput.objects.get(generation=done, stage="draft").output["found"]
    assert len(sandbox.requests("wix", "draft_create")) == 1
    assert proof.discrepancies() == []


def test_a_draft_that_was_found_is_looked_at_like_one_that_was_made(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    gone = shop.blog_labels.create(kind="category", folded="news", wix_id="00000000-0000-4000-8000-000000000000")
    lose_the_answer(sandbox)
    factories.pending_generation(shop, categories=["News"])
    attempt()
    (draft,) = sandbox.drafts()
    uncovered = {"draftPost": {"id": draft["id"], "media": {}, "title": draft["title"]}, "action": "UPDATE"}
    path = f"/blog/v3/draft-posts/{draft['id']}"
    http.request(str(shop.instance_id), "PATCH", path, operation="draft_update", seconds=5, body=uncovered)
    age_the_create(90)

    done = attempt()

    shop.refresh_from_db()
    kept = done.events.filter(kind=GenerationEvent.Kind.WARNING).values_list("code", flat=True)
    assert (done.status, list(kept)) == (Status.DONE, ["cover_dropped", "labels_dropped"])
    assert str(shop.member_id) == draft["memberId"]
    assert not shop.blog_labels.filter(pk=gone.pk).exists()


def test_a_create_that_really_failed_is_repeated_after_the_look(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "reset", "draft_create")
    factories.pending_generation(shop)
    attempt()
    age_the_create(90)

    done = attempt()

    assert done.status == Status.DONE
    assert len(sandbox.drafts()) == 1
    assert len(sandbox.requests("wix", "draft_query")) == 1


def test_a_draft_of_the_same_title_without_our_marker_is_not_taken_for_ours(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("wix", "reset", "draft_create")
    factories.pending_generation(shop, source_id="the same topic")
    attempt()
    # The shop's other blog about the same topic, whose article has the same title, is created meanwhile.
    first = BlogGeneration.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET run_after = clock_timestamp() + interval '1 hour' WHERE id = %s", [first.pk]
        )
    twin = factories.pending_generation(shop, source_id="the same topic")
    from blogs import pipeline, queue

    (claimed,) = queue.claim(factories.WorkerFactory.create(), 1)
    pipeline.execute(claimed)
    age_the_create(90)

    done = attempt()

    drafts = {str(blog.draft_post_id) for blog in BlogGeneration.objects.all()}
    assert done.status == Status.DONE
    assert twin.pk != first.pk
    assert {draft["id"] for draft in sandbox.drafts()} == drafts
    assert len(drafts) == 2


def test_a_second_draft_is_swept_ten_minutes_later(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    lose_the_answer(sandbox)
    factories.pending_generation(shop)
    attempt()
    with connection.cursor() as cursor:  # a stopped process that wakes up in mid-create knows nothing of the first one
        cursor.execute("UPDATE blog_generations SET draft_create_started_at = NULL")
    done = attempt()
    assert done.status == Status.DONE
    unpaid, paid = sandbox.drafts()
    third = {name: paid[name] for name in ("title", "memberId", "richContent")}
    drafts.create_draft(str(shop.instance_id), third, seconds=5, before_sending=lambda: None)
    BlogGeneration.objects.update(draft_sweep_at=done.finished_at)
    sandbox.fault("wix", "not_found", "draft_delete")  # as if its owner had deleted the first one meanwhile

    assert sweep.sweep_one()

    assert [draft["id"] for draft in sandbox.drafts()] == [unpaid["id"], paid["id"]]
    assert paid["id"] == str(done.draft_post_id)
    assert done.events.filter(kind=GenerationEvent.Kind.SWEPT).count() == 1
    assert BlogGeneration.objects.get().draft_sweep_at is None
    assert not sweep.sweep_one()


def test_a_look_up_with_a_nonsense_answer_is_not_taken_for_an_empty_one(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    lose_the_answer(sandbox)
    factories.pending_generation(shop)
    attempt()
    age_the_create(90)
    sandbox.fault("wix", "wrong_json", "draft_query")

    assert attempt().status == Status.PENDING
    assert attempt().status == Status.DONE
    assert len(sandbox.drafts()) == 1


def test_a_repeated_create_schedules_a_sweep_and_a_single_one_does_not(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    factories.pending_generation(shop)
    assert attempt().draft_sweep_at is None
    sandbox.fault("wix", "reset", "draft_create")
    factories.pending_generation(shop)
    attempt()
    age_the_create(90)
    end_delays()

    assert attempt().draft_sweep_at is not None


def test_a_blog_that_fails_after_an_unanswered_create_leaves_no_draft_behind(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BLOG_MAX_DEFERRAL_SECONDS = -1  # as if no call had got through for a day
    lose_the_answer(sandbox)
    factories.pending_generation(shop)
    failed = attempt()
    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_unavailable")
    assert len(sandbox.drafts()) == 1
    assert not sweep.sweep_one()  # not before ten minutes have passed: a retry by staff would find and use it
    BlogGeneration.objects.update(draft_sweep_at=failed.finished_at)

    assert sweep.sweep_one()
    assert sandbox.drafts() == []
    assert proof.discrepancies() == []


def test_a_retry_by_staff_uses_the_draft_of_an_unanswered_create(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BLOG_MAX_DEFERRAL_SECONDS = -1  # as if no call had got through for a day
    lose_the_answer(sandbox)
    failed = factories.pending_generation(shop)
    attempt()
    lifecycle.requeue(failed.pk, by="staff")
    age_the_create(90)

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("wix", "draft_create")) == 1
    assert proof.discrepancies() == []


def test_a_retry_during_the_sweep_keeps_the_draft_that_it_has_taken_up(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BLOG_MAX_DEFERRAL_SECONDS = -1  # as if no call had got through for a day
    lose_the_answer(sandbox)
    factories.pending_generation(shop)
    failed = attempt()
    BlogGeneration.objects.update(draft_sweep_at=failed.finished_at)
    look = marked_drafts

    def retried_between_look_and_delete(*site: Any, **when: Any) -> Any:
        found = look(*site, **when)
        lifecycle.requeue(failed.pk, by="staff")
        age_the_create(90)
        assert attempt().status == Status.DONE
        return found

    monkeypatch.setattr(sweep, "marked_drafts", retried_between_look_and_delete)
    sweep.sweep_one()

    done = BlogGeneration.objects.get()
    assert [draft["id"] for draft in sandbox.drafts()] == [str(done.draft_post_id)]
    assert done.status == Status.DONE


@pytest.mark.parametrize("killed", [False, True])
def test_a_retry_after_the_sweep_has_condemned_a_draft_makes_a_new_one(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    settings.BLOG_MAX_DEFERRAL_SECONDS = -1  # as if no call had got through for a day
    lose_the_answer(sandbox)
    factories.pending_generation(shop)
    failed = attempt()
    BlogGeneration.objects.update(draft_sweep_at=failed.finished_at)
    delete = drafts.delete_draft

    def retried_before_the_delete(*site: Any, **when: Any) -> bool:
        lifecycle.requeue(failed.pk, by="staff")
        assert attempt().status == Status.DONE
        if killed:
            raise KeyboardInterrupt
        return delete(*site, **when)

    with monkeypatch.context() as retrying, suppress(KeyboardInterrupt):
        retrying.setattr(drafts, "delete_draft", retried_before_the_delete)
        sweep.sweep_one()
    BlogGeneration.objects.filter(draft_sweep_at__isnull=False).update(draft_sweep_at=failed.finished_at)
    assert sweep.sweep_one()

    done = BlogGeneration.objects.get()
    assert [draft["id"] for draft in sandbox.drafts()] == [str(done.draft_post_id)]


def test_a_sweep_of_a_site_that_has_left_is_not_repeated_for_ever(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BLOG_MAX_DEFERRAL_SECONDS = -1  # as if no call had got through for a day
    lose_the_answer(sandbox)
    factories.pending_generation(shop)
    failed = attempt()
    BlogGeneration.objects.update(draft_sweep_at=failed.finished_at)
    sandbox.fault("wix", "token_removed", "token", times=None)
    access_tokens.forget(shop.instance_id)

    sweep.sweep_one()

    assert BlogGeneration.objects.get().draft_sweep_at is None
    assert failed.events.get(kind=GenerationEvent.Kind.SWEPT).message.startswith("could not look")
