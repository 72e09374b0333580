"""A blog's page begins with what support tells the shop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from blogs.audit import Actor
from blogs.batches import refunds
from blogs.desk.blogs import sentence
from blogs.models import BlogGeneration
from blogs.queue import lifecycle, lines
from tests.docs.pages import code, rows
from tests.support.blogs.desk_pages import blog_page, visible
from tests.support.factories import done_generation, failed_generation, pending_generation, processing_generation
from workers.errors import TransientError

pytestmark = pytest.mark.django_db


def answer(blog: BlogGeneration) -> str:
    return sentence.answer(BlogGeneration.objects.select_related("site__line").get(pk=blog.pk))


def test_a_failure_names_the_step_the_reason_the_credits_and_what_helps(desk: Client) -> None:
    failed = failed_generation()
    BlogGeneration.objects.filter(pk=failed.pk).update(stage="article")

    said = "Failed at the article, 0 s ago. It was refused. Its credits are back. The shop can ask for another topic."
    assert answer(failed).replace(BlogGeneration.objects.get(pk=failed.pk).error_message, "It was refused.") == said
    assert "Its credits are back. The shop can ask for another topic." in visible(blog_page(desk, failed.pk))


def test_a_finished_one_says_what_it_has_cost_or_that_this_was_given_back() -> None:
    done = done_generation()
    assert "It has cost 25 credits." in answer(done)

    refunds.refund(done.pk, Actor("ada"), "a wrong language")

    assert "Its 25 credits were given back." in answer(done)


def test_a_waiting_one_says_what_for_and_until_when() -> None:
    scheduled = pending_generation(scheduled_at=timezone.now() + timedelta(hours=3, minutes=1))
    assert answer(scheduled) == "It starts, as its shop wished, in 3 h. 25 credits are held for it."
    retried = processing_generation()
    assert answer(retried).startswith("A worker has it, at reading the shop's products.")
    lifecycle.retry_later(retried, TransientError("timeout", "It was too slow."))
    assert "It goes on in " in answer(retried)
    assert "It was too slow." in answer(retried)
    waits = pending_generation()
    assert answer(waits).startswith("It is in line, at place 1 of all; it starts in about ")
    with transaction.atomic():
        lines.pause(lines.lock(waits.site_id))
    assert answer(waits).startswith("It waits: its shop's line is paused.")


def test_a_cancelled_one_has_its_credits_back() -> None:
    blog = pending_generation()
    lifecycle.cancel(blog.pk, by="staff:ada")

    assert answer(blog) == "Cancelled, 0 s ago. Its credits are back."


def test_each_advice_is_for_a_code_that_the_desks_page_explains() -> None:
    documented = {name for row in rows("docs/desk.md", "Error codes") for name in code(row[0])}

    assert set(sentence._HELPS) <= documented
