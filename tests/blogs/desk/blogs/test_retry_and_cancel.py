from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from blogs.models import BlogGeneration, GenerationEvent, Status
from blogs.operations import proof
from tests.support.blogs.desk_pages import act, blog_page, text_of, visible
from tests.support.factories import done_generation, failed_generation, pending_generation, processing_generation, site

pytestmark = pytest.mark.django_db


def statuses(*generations: BlogGeneration) -> list[str]:
    by_id = BlogGeneration.objects.in_bulk([generation.pk for generation in generations])
    return [by_id[generation.pk].status for generation in generations]


def test_retry_counts_what_it_did_and_says_why_it_skipped_the_rest(desk: Client) -> None:
    failed = [failed_generation(), failed_generation()]
    done, waiting = done_generation(), pending_generation()

    message = act(desk, "retry", *(generation.pk for generation in [*failed, done, waiting]))

    assert "Retried: 2." in message
    assert "Skipped 1: it is DONE; only FAILED and CANCELLED blogs can be retried." in message
    assert "Skipped 1: it is PENDING; only FAILED and CANCELLED blogs can be retried." in message
    assert statuses(*failed, done) == [Status.PENDING, Status.PENDING, Status.DONE]
    assert proof.discrepancies() == []


def test_a_retry_names_who_asked_for_it(desk: Client) -> None:
    failed = failed_generation()

    act(desk, "retry", failed.pk)

    assert GenerationEvent.objects.get(generation=failed, kind="requeued").by == "staff:ada"


def test_a_blog_that_its_site_cannot_pay_for_is_not_retried(desk: Client) -> None:
    shop = site(credits=25)
    failed = failed_generation(shop)
    pending_generation(shop)

    message = act(desk, "retry", failed.pk)

    assert message == "Changed none. Skipped 1: its shop has 0 free credits, and a blog costs 25."
    assert statuses(failed) == [Status.FAILED]


def test_cancel_stops_what_waits_and_asks_what_runs(desk: Client) -> None:
    done, running, waiting = done_generation(), processing_generation(), pending_generation()

    message = act(desk, "cancel", running.pk, waiting.pk, done.pk)

    assert "Cancelled: 1." in message
    assert "Asked to stop at the next checkpoint: 1." in message
    assert "Skipped 1: its draft post exists; only blogs without a draft" in message
    assert statuses(waiting, running, done) == [Status.CANCELLED, Status.PROCESSING, Status.DONE]
    assert BlogGeneration.objects.get(pk=running.pk).cancel_requested_at
    assert proof.discrepancies() == []


def test_the_button_on_a_blogs_page_retries_that_blog(desk: Client) -> None:
    failed, other = failed_generation(), failed_generation()

    page = blog_page(desk, failed.pk)
    message = act(desk, "retry", failed.pk, query=f"?q={failed.pk}")

    assert "Retry from the step that failed" in page
    assert ">Cancel<" not in page
    assert message == "Retried: 1."
    assert statuses(failed, other) == [Status.PENDING, Status.FAILED]


def test_who_may_only_view_sees_no_actions_and_cannot_use_them(desk_with: Callable[..., Client]) -> None:
    viewer = desk_with("blogs.view_bloggeneration")
    failed = failed_generation()

    act(viewer, "retry", failed.pk)

    assert statuses(failed) == [Status.FAILED]
    assert 'name="action"' not in text_of(viewer, "/admin/blogs/bloggeneration/")
    assert "Retry from the step that failed" not in blog_page(viewer, failed.pk)


def test_who_may_retry_blogs_may(desk_with: Callable[..., Client]) -> None:
    support = desk_with("blogs.view_bloggeneration", "blogs.retry_blogs")
    failed = failed_generation()

    assert act(support, "retry", failed.pk) == "Retried: 1."


def test_an_action_asked_for_on_a_blogs_page_leads_back_there_and_one_of_the_list_to_the_list(desk: Client) -> None:
    waiting, other = pending_generation(), pending_generation()
    data = {"action": "cancel", "index": 0, "reason": "ticket 7"}
    listed = reverse("admin:blogs_bloggeneration_changelist") + "?status=PENDING"
    own = reverse("admin:blogs_bloggeneration_change", args=[waiting.pk])

    asked = desk.post(listed, {**data, "_selected_action": waiting.pk, "from_page": "1"}).content.decode()
    assert 'name="from_page"' in asked
    assert f'href="{own}"' in asked
    assert "Chosen: blog" in visible(asked)

    answer = desk.post(listed, {**data, "_selected_action": waiting.pk, "from_page": "1", "confirmed": "1"})
    assert answer["Location"] == own
    answer = desk.post(listed, {**data, "_selected_action": other.pk, "confirmed": "1"})
    assert answer["Location"] == listed
    assert statuses(waiting, other) == [Status.CANCELLED, Status.CANCELLED]


def test_each_action_on_a_blogs_page_says_that_it_comes_from_there(desk: Client) -> None:
    shown = blog_page(desk, failed_generation().pk)

    assert shown.count('name="from_page"') == shown.count('name="_selected_action"') >= 2
