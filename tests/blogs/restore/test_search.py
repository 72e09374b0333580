"""What the original made in the lost time is found at Wix by its marker, before anything is made for its blog."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from blogs import sweep
from blogs.models import BlogGeneration, DraftSearch, GenerationEvent, Status
from blogs.operations import proof
from blogs.queue import lifecycle
from credits.models import Credit, CreditAccount
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, age_the_create, count
from tests.support.blogs.restored import draft_at_wix, end_waiting, made_by_the_original, restore, thrown_away
from wix.models import Site
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.errors import RateLimited


def _creates(sandbox: Sandbox) -> int:
    """By the product alone: what these tests make at Wix themselves has titles of theirs."""
    return sum("Another title" not in str(request) for request in sandbox.requests("wix", "draft_create"))


def test_a_blog_that_never_began_in_the_backup_finds_its_draft_and_pays_for_no_article(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    blog = factories.pending_generation(shop)
    draft_id = made_by_the_original(sandbox, shop, blog)
    restore()

    done = attempt()

    assert (done.status, str(done.draft_post_id), done.attempts) == (Status.DONE, draft_id, 1)
    assert len(sandbox.drafts()) == 1
    assert sandbox.requests("openai") == sandbox.requests("replicate") == []
    assert Credit.objects.filter(kind=Credit.Kind.CAPTURE, generation=blog.pk).count() == 1
    assert proof.discrepancies() == []
    assert not DraftSearch.objects.exists()


def test_what_was_found_is_published_if_the_shop_asked_for_that(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blog = factories.pending_generation(shop, publish=True)
    made_by_the_original(sandbox, shop, blog)
    restore()

    done = attempt()

    (draft,) = sandbox.drafts()
    assert (done.status, draft["status"]) == (Status.DONE, "PUBLISHED")
    assert done.post_url
    assert sandbox.requests("openai") == []


def test_a_blog_without_a_draft_at_wix_is_written(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    restore()

    done = attempt()

    assert done.status == Status.DONE
    assert done.draft_search_since is None
    assert len(sandbox.drafts()) == 1
    assert proof.discrepancies() == []


def test_two_blogs_of_equal_titles_each_find_their_own(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blogs = [factories.pending_generation(shop, source_id="the same topic") for _ in range(2)]
    made = {blog.pk: made_by_the_original(sandbox, shop, blog) for blog in reversed(blogs)}
    restore()

    attempt()
    attempt()

    assert {blog.pk: str(blog.draft_post_id) for blog in BlogGeneration.objects.all()} == made
    assert {blog.status for blog in BlogGeneration.objects.all()} == {Status.DONE}
    assert count(sandbox, "draft_query") == 1  # one search for all blogs of the site


def test_a_draft_that_its_owner_threw_away_is_written_again(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blog = factories.pending_generation(shop)
    thrown_away(shop, made_by_the_original(sandbox, shop, blog))
    restore()

    assert attempt().status == Status.DONE
    assert [draft["id"] for draft in sandbox.drafts()] == [str(BlogGeneration.objects.get().draft_post_id)]


def test_a_site_that_removed_the_app_in_the_lost_time_gets_its_credits_back(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BREAKER_WINDOW_SECONDS = 0  # as if it had passed without another site that gives no token
    factories.pending_generation(shop)
    sandbox.uninstall(str(shop.instance_id))
    restore()

    assert attempt().status == Status.PENDING  # the refusal may be our own fault
    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_auth_lost")
    assert (sandbox.requests("openai"), sandbox.drafts()) == ([], [])
    assert CreditAccount.objects.get(site=shop).held == 0
    assert proof.discrepancies() == []


@pytest.mark.parametrize("fault", ["500", "reset", "wrong_json", "429"])
def test_while_wix_does_not_answer_blogs_wait_and_nothing_is_made(
    sandbox: Sandbox, shop: Site, attempt: Attempt, fault: str
) -> None:
    blog = factories.pending_generation(shop)
    draft_id = made_by_the_original(sandbox, shop, blog)
    restore()
    sandbox.fault("wix", fault, "draft_query", times=1)

    waiting = attempt()
    assert (waiting.status, waiting.attempts) == (Status.PENDING, 0)
    assert sandbox.requests("openai") == []
    _unblock()
    done = attempt()

    assert str(done.draft_post_id) == draft_id
    assert len(sandbox.drafts()) == 1


def test_nothing_is_looked_for_while_creates_of_the_original_may_be_under_way(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    blog = factories.pending_generation(shop)
    restore()
    DraftSearch.objects.update(not_before=seconds_from_now(60))

    early = attempt()
    looked = count(sandbox, "draft_query")
    draft_id = made_by_the_original(sandbox, shop, blog)
    end_waiting()

    assert (early.status, early.events.order_by("-id")[0].code, looked) == (Status.PENDING, "draft_unsure", 0)
    assert early.run_after
    assert 40 < (early.run_after - early.created_at).total_seconds() < 80
    assert str(attempt().draft_post_id) == draft_id


def test_others_of_the_site_wait_while_one_searches(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    restore()
    DraftSearch.objects.update(taken_until=seconds_from_now(60))

    waiting = attempt()

    assert (waiting.status, waiting.attempts, count(sandbox, "draft_query")) == (Status.PENDING, 0, 0)
    DraftSearch.objects.update(taken_until=ClockTimestamp())  # its worker was killed
    assert attempt().status == Status.DONE


def test_a_search_that_was_interrupted_goes_on_where_it_was(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blogs = [factories.pending_generation(shop, source_id=f"topic {number}") for number in range(2)]
    first = made_by_the_original(sandbox, shop, blogs[0])
    sandbox.pass_time(1_000)
    for number in range(19):
        draft_at_wix(shop, f"Another title {number}", f"own-{number}")
    sandbox.pass_time(1_000)
    last = made_by_the_original(sandbox, shop, blogs[1])
    restore()
    sandbox.fault("wix", "500", "draft_query", match='"cursor"')  # the second page

    for _ in blogs * 2:
        attempt_if_any(attempt)

    searched_from = [
        request["body"]["query"]["filter"]["editedDate"]["$gte"]
        for request in sandbox.requests("wix", "draft_query")
        if "filter" in request["body"]["query"]
    ]
    assert {str(blog.draft_post_id) for blog in BlogGeneration.objects.all()} == {first, last}
    assert len(searched_from) == 2
    assert searched_from[0] < searched_from[1]


def attempt_if_any(attempt: Attempt) -> None:
    if BlogGeneration.objects.filter(status=Status.PENDING).exists():
        _unblock()
        attempt()


@pytest.mark.parametrize("cancelled", [False, True])
def test_an_ended_blog_that_the_original_retried_finds_its_draft_when_it_is_retried_again(
    sandbox: Sandbox, shop: Site, attempt: Attempt, cancelled: bool
) -> None:
    if cancelled:
        failed = lifecycle.cancel(factories.pending_generation(shop).pk, by="staff")
    else:
        failed = factories.failed_generation(shop)
    draft_id = made_by_the_original(sandbox, shop, failed)
    factories.pending_generation(shop)
    restore()
    assert attempt().status == Status.DONE  # the other one has searched the site

    lifecycle.requeue(failed.pk, by="staff")
    done = attempt()

    assert (done.pk, done.status, str(done.draft_post_id)) == (failed.pk, Status.DONE, draft_id)
    assert len(sandbox.drafts()) == 2
    assert proof.discrepancies() == []


def test_a_draft_that_no_row_knows_stays_and_is_named_in_the_log(
    sandbox: Sandbox, shop: Site, attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    blog = factories.pending_generation(shop)
    draft_id = made_by_the_original(sandbox, shop, blog.pk + 1)
    restore()

    with caplog.at_level(logging.WARNING):
        done = attempt()

    named = [record.__dict__ for record in caplog.records if record.__dict__.get("action") == "unknown_draft"]
    assert [(line["blog"], line["draft"]) for line in named] == [(blog.pk + 1, draft_id)]
    assert done.status == Status.DONE
    assert {draft["id"] for draft in sandbox.drafts()} == {draft_id, str(done.draft_post_id)}
    later = factories.pending_generation(shop)
    assert later.pk > blog.pk + 1
    assert later.draft_search_since is None


def test_a_draft_that_was_marked_with_the_key_before_is_ours(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    blog = factories.pending_generation(shop)
    draft_id = made_by_the_original(sandbox, shop, blog, key="the key of before")
    settings.SECRET_KEY_FALLBACKS = ["the key of before"]
    restore()

    assert str(attempt().draft_post_id) == draft_id
    assert len(sandbox.drafts()) == 1


def test_a_stranger_who_counts_the_blogs_of_this_site_too_is_not_taken_for_us(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    blog = factories.pending_generation(shop)
    theirs = made_by_the_original(sandbox, shop, blog, key="another installation's")
    restore()

    done = attempt()

    assert done.status == Status.DONE
    assert str(done.draft_post_id) != theirs


def test_a_blog_that_is_cancelled_after_the_restore_leaves_no_draft_behind(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    blog = factories.pending_generation(shop)
    made_by_the_original(sandbox, shop, blog)
    restore()
    cancelled = lifecycle.cancel(blog.pk, by="staff")
    assert cancelled.draft_sweep_at
    BlogGeneration.objects.update(draft_sweep_at=cancelled.finished_at)

    assert sweep.sweep_one()

    assert sandbox.drafts() == []
    assert blog.events.filter(kind=GenerationEvent.Kind.SWEPT).count() == 1
    assert not sweep.sweep_one()


def test_an_unanswered_create_of_before_the_backup_is_found_under_its_own_time(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "draft": 0.6}
    sandbox.fault("wix", "after_success", "draft_create", seconds=3)
    factories.pending_generation(shop)
    attempt()
    age_the_create(3_600)
    restore()

    done = attempt()

    marked_from = BlogGeneration.objects.get().draft_create_started_at
    assert marked_from is not None
    assert done.status == Status.DONE
    assert [draft["id"] for draft in sandbox.drafts()] == [str(done.draft_post_id)]


def _unblock() -> None:
    from tests.support.blogs.pipeline import unblock_limits
    from workers.context.process_memory import forget_everything

    unblock_limits()
    forget_everything()


def test_a_blog_that_runs_while_its_draft_is_found_creates_no_second(sandbox: Sandbox, shop: Site) -> None:
    running = factories.processing_generation(shop)
    draft_id = made_by_the_original(sandbox, shop, running)
    BlogGeneration.objects.filter(pk=running.pk).update(draft_search_since=ClockTimestamp())
    lifecycle.adopt_draft(running.pk, {"draft_post_id": draft_id, "found": True}, {"draft_post_id": draft_id})

    with pytest.raises(RateLimited):
        lifecycle.note_draft_create(running)
