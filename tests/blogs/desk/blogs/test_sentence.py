"""A blog's page begins with what support tells the shop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs.audit import Actor
from blogs.batches import refunds
from blogs.desk.blogs import causes, sentence
from blogs.models import BlogGeneration, GenerationEvent
from blogs.queue import lifecycle, lines
from tests.docs.pages import code, rows
from tests.support.blogs.desk_pages import blog_page, visible
from tests.support.factories import (
    WorkerFactory,
    done_generation,
    failed_generation,
    pending_generation,
    processing_generation,
    site,
)
from workers.errors import PermanentError, ProviderDown, RateLimited, TransientError

pytestmark = pytest.mark.django_db

CODES = sorted({name for row in rows("docs/desk.md", "Error codes") for name in code(row[0])})


def answer(blog: BlogGeneration) -> str:
    return sentence.answer(BlogGeneration.objects.select_related("site__line").get(pk=blog.pk))


def changed(blog: BlogGeneration, **columns: Any) -> BlogGeneration:
    BlogGeneration.objects.filter(pk=blog.pk).update(**columns)
    return blog


# --- Codes ------------------------------------------------------------------------------------------------------------


def test_each_code_that_the_desks_page_explains_has_words_of_its_own() -> None:
    assert set(CODES) == causes.known()


@pytest.mark.parametrize("error", CODES)
def test_a_failure_by_each_code_says_what_happened_where_credits_are_and_what_helps(error: str) -> None:
    failed = changed(failed_generation(code=error), stage="article", error_message="Its own words.")

    said = answer(failed)

    assert said.startswith(f"Failed at the article 0 s ago: {causes.of(error).what}")
    assert ". Credits are back. " in said
    assert said.endswith(f" {causes.of(error).helps}")
    assert causes.of(error).helps
    assert ".." not in said


def test_the_example_of_the_desk(desk: Client) -> None:
    failed = changed(failed_generation(code="content_refused"), stage="article")
    changed(failed, finished_at=timezone.now() - timedelta(minutes=3))

    said = "Failed at the article 3 min ago: OpenAI declined the topic. Credits are back. The shop can ask for another topic."
    assert answer(failed) == said
    assert said in visible(blog_page(desk, failed.pk))


@pytest.mark.parametrize("error", ["wix_rejected", "provider_rejected", "content_invalid"])
def test_the_errors_own_words_stand_where_they_say_more(error: str) -> None:
    failed = changed(failed_generation(code=error), error_message="The slug is taken.")

    assert "(The slug is taken)" in answer(failed)


def test_a_code_that_is_not_known_has_its_own_words_and_goes_to_an_engineer() -> None:
    failed = changed(failed_generation(code="from_tomorrow"), error_message="The moon was full.")

    assert "The moon was full. Credits are back. Tell an engineer." in answer(failed)


# --- States -----------------------------------------------------------------------------------------------------------


def test_a_finished_one_says_what_it_has_cost_or_that_this_was_given_back() -> None:
    done = done_generation()
    assert answer(done) == "Done 0 s ago: the draft is at Wix. It has cost 25 credits."

    refunds.refund(done.pk, Actor("ada"), "a wrong language")

    assert "Its 25 credits were given back." in answer(done)


def test_a_finished_one_says_whether_it_is_published() -> None:
    done = changed(done_generation(), publish=True)
    assert "no address of the published post is known" in answer(done)

    changed(done, needs_review=True, publish_at=timezone.now() + timedelta(days=1))
    assert "the draft is at Wix, and is not published." in answer(done)

    changed(done, needs_review=False)
    assert "the draft is at Wix, which publishes it on 2" in answer(done)

    changed(done, post_url="https://shop.example/post/x")
    assert answer(done).startswith("Done 0 s ago, and published.")

    changed(done, publish_at=None)
    assert answer(done).startswith("Published 0 s ago.")


def test_when_it_was_published_after_its_end_is_not_told_by_its_end() -> None:
    done = changed(done_generation(), publish=False, post_url="https://shop.example/post/x")
    assert answer(done).startswith("Done 0 s ago, and published.")

    changed(done, publish=True)
    GenerationEvent.objects.create(generation=done, kind="published", stage="publish", by="staff:ada")
    assert answer(done).startswith("Done 0 s ago, and published.")


def test_a_finished_one_says_what_it_lacks_and_who_mends_that() -> None:
    done = done_generation()
    for error in ("media_quota", "media_quota", "labels_dropped"):
        GenerationEvent.objects.create(generation=done, kind="warning", code=error, message="x")

    said = answer(done)

    assert "But it lacks tags or categories; it lacks a picture: the shop's media manager is full." in said
    assert said.count("media manager") == 1
    assert said.endswith("The shop can set them at Wix.")


def test_what_staff_had_mended_since_is_told_no_more() -> None:
    done = done_generation()
    for kind, stage, error in (
        ("warning", "media", "media_quota"),
        ("warning", "publish", "draft_gone"),
        ("published", "publish", ""),
    ):
        GenerationEvent.objects.create(generation=done, kind=kind, stage=stage, code=error, message="x")
    assert "But it lacks a picture" in answer(done)
    assert "published again" not in answer(done)

    GenerationEvent.objects.create(generation=done, kind="warning", stage="publish", code="draft_gone", message="x")
    assert answer(done).endswith("Make the draft again, then publish it again.")


def test_a_waiting_one_says_what_for_and_until_when() -> None:
    WorkerFactory.create()
    scheduled = pending_generation(scheduled_at=timezone.now() + timedelta(hours=3, minutes=1))
    assert answer(scheduled) == "It starts, as its shop wished, in 3 h. 25 credits are held for it."
    waits = pending_generation()
    assert answer(waits).startswith("It is in line, at place 1 of all; it starts in about ")
    with transaction.atomic():
        lines.pause(lines.lock(waits.site_id))
    assert answer(waits).startswith("It waits: its shop's line is paused.")


def test_one_that_is_tried_again_says_what_failed() -> None:
    blog = changed(processing_generation(), stage="article")
    lifecycle.retry_later(blog, TransientError("timeout", "It was too slow."))

    said = answer(blog)

    assert said.startswith("It goes on in ")
    assert "1 try has failed so far, the last at the article: there was no answer in time." in said
    assert said.endswith("25 credits are held for it.")


def test_one_that_is_put_off_says_by_what() -> None:
    blog = processing_generation()
    lifecycle.defer(blog, RateLimited("rate_limited", "Later.", retry_in=60))

    assert "put off at reading the shop's products: a provider's limit left no room for it. It goes on in " in answer(
        blog
    )


def test_one_that_waits_for_a_provider_says_for_which() -> None:
    blog = processing_generation()
    lifecycle.defer(blog, ProviderDown("openai", retry_in=60))
    assert "products: a service is down. It goes on in " in answer(blog)

    changed(blog, waits_for="openai")

    assert answer(blog).startswith("It waits for OpenAI, goes on when it is back.")


def test_a_running_one_says_at_what_and_who_wants_it_to_stop() -> None:
    blog = processing_generation()
    assert answer(blog).startswith("A worker has it, at reading the shop's products, asked for ")

    lifecycle.cancel(blog.pk, by="staff:ada", reason="duplicate")
    assert "It was asked to stop by ada, and will at its next checkpoint." in answer(blog)

    changed(blog, lease_expires_at=timezone.now() - timedelta(seconds=5))
    assert answer(blog).startswith("Its worker died at reading the shop's products")


@pytest.mark.parametrize(
    ("by", "reason", "said"),
    [
        ("staff:ada", "duplicate", "Cancelled by ada 0 s ago: duplicate."),
        ("app removed", "", "Cancelled by the shop, which removed the app 0 s ago."),
    ],
)
def test_a_cancelled_one_says_by_whom_and_why(by: str, reason: str, said: str) -> None:
    blog = pending_generation()
    lifecycle.cancel(blog.pk, by=by, reason=reason)

    assert answer(blog) == f"{said} Credits are back. It can be retried."


def test_one_that_stopped_while_it_ran_says_who_had_asked() -> None:
    blog = processing_generation()
    lifecycle.cancel(blog.pk, by="staff:ada", reason="duplicate")
    lifecycle.honour_cancel(blog)

    assert answer(blog).startswith("Cancelled by ada 0 s ago: duplicate.")


def test_one_in_line_says_that_no_worker_is_alive() -> None:
    blog = pending_generation()

    assert answer(blog).startswith("It is in line, and no worker is alive: tell an operator.")


def test_one_in_line_says_that_all_lines_are_paused() -> None:
    blog = pending_generation()
    lines.pause_all(by="ada", reason="Wix is down")

    assert answer(blog).startswith("It is in line, and all lines are paused by ada: Wix is down.")


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_many_sentences_take_one_query() -> None:
    shop = site()
    for _ in range(3):
        failed_generation(shop)
        GenerationEvent.objects.create(generation=done_generation(shop), kind="warning", code="media_quota")
    pending_generation(shop)
    blogs = list(BlogGeneration.objects.select_related("site__line"))

    with CaptureQueriesContext(connection) as queries:
        said = sentence.answers(blogs)

    assert len(queries) == 1
    assert len(said) == 7
    assert sum("OpenAI declined the topic" in each for each in said.values()) == 3
    assert sum("media manager is full" in each for each in said.values()) == 3


def test_a_failure_that_has_no_code_of_the_pages_is_the_rows_own(desk: Client) -> None:
    failed = processing_generation()
    lifecycle.fail(failed, PermanentError("content_refused", "It was refused."))

    assert "OpenAI declined the topic" in answer(failed)
