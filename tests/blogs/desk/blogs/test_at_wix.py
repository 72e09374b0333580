"""What a blog's page says of its post at Wix, without a web thread that waits for Wix."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from blogs.models import AuditEntry, BlogGeneration, PostOrder
from blogs.post_orders import asking
from tests.support.blogs.desk_pages import act, blog_page, text_of, visible
from tests.support.blogs.orders import ask_to_look, move
from tests.support.factories import WorkerFactory, done_generation, pending_generation, site
from workers.models import WorkerProcess

pytestmark = pytest.mark.django_db

HELD = {
    "state": "published",
    "content": "edited",
    "kept": 0.87,
    "edited_at": "2026-11-20T10:00:00+00:00",
    "published_at": "2026-11-19T09:30:00+00:00",
    "draft_url": "javascript:alert(1)",
    "post_url": "https://shop.example/post/x",
    "unpublished_changes": True,
}


def look(client: Client, blog: BlogGeneration) -> Any:
    return client.post(reverse("admin:blogs_bloggeneration_look", args=[blog.pk]), follow=True)


def piece(client: Client, blog: BlogGeneration) -> str:
    return text_of(client, reverse("admin:blogs_bloggeneration_at_wix", args=[blog.pk]))


def answered(blog: BlogGeneration, **changes: Any) -> None:
    PostOrder.objects.filter(generation=blog).update(
        held={**HELD, **changes}, ended_at="2026-11-21T08:00:00Z", result="x"
    )


def test_a_click_is_asked_at_once_and_answered_later(desk: Client) -> None:
    blog = done_generation()
    assert "Not looked at yet." in visible(blog_page(desk, blog.pk))
    WorkerFactory.create()

    page = look(desk, blog).content.decode()

    assert "Look at what Wix holds: asked for by ada at" in visible(page)
    assert f'data-again="/admin/blogs/bloggeneration/{blog.pk}/at-wix/"' in page
    assert "What does Wix hold now?" not in page
    assert AuditEntry.objects.filter(action="look_at_wix", blog_id=blog.pk).count() == 1
    answered(blog)
    shown = piece(desk, blog)
    assert "data-again" not in shown
    assert (
        "Published since 2026-11-19 09:30; the shop has changes that it has not published."
        " Its text was edited , last at 2026-11-20 10:00: 87 % of its paragraphs are ours. Looked at 2026-11-21 08:00:00."
    ) in visible(shown)


def test_only_web_pages_become_links(desk: Client) -> None:
    blog = done_generation()
    ask_to_look(blog)
    answered(blog)

    page = piece(desk, blog)

    assert "javascript:" not in page
    assert 'href="https://shop.example/post/x"' in page


def test_without_a_worker_it_says_so(desk: Client) -> None:
    blog = done_generation()
    WorkerProcess.objects.all().delete()
    look(desk, blog)

    assert "No worker is alive: it is carried out once one is." in visible(piece(desk, blog))
    WorkerFactory.create()
    assert "No worker is alive" not in visible(piece(desk, blog))


def test_an_order_that_failed_and_one_that_waits_say_why(desk: Client) -> None:
    blog = done_generation()
    move("publish_again", blog)
    PostOrder.objects.update(code="wix_unavailable", result="Wix did not answer.")
    assert "wix_unavailable Wix did not answer. It is tried again." in visible(blog_page(desk, blog.pk))

    PostOrder.objects.update(ended_at="2026-11-21T08:00:00Z")

    shown = visible(blog_page(desk, blog.pk))
    assert "Publish again, asked for by ada at" in shown
    assert "(ticket 7): failed, wix_unavailable . Wix did not answer." in shown


def test_a_blog_without_a_post_shows_nothing_and_is_not_asked_about(desk: Client) -> None:
    blog = pending_generation()

    assert 'id="at-wix"' not in blog_page(desk, blog.pk)
    assert "It is PENDING: Wix holds nothing of it yet." in visible(look(desk, blog).content.decode())
    assert not PostOrder.objects.exists()


def test_who_asks_too_often_is_told(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LOOKS_A_MINUTE", 1)
    look(desk, done_generation())

    told = visible(look(desk, done_generation()).content.decode())

    assert "You have asked 1 times within a minute; wait for the next one." in told
    assert PostOrder.objects.count() == 1


def test_a_get_asks_nothing(desk: Client) -> None:
    blog = done_generation()

    assert desk.get(reverse("admin:blogs_bloggeneration_look", args=[blog.pk])).status_code == 405
    assert desk.post(reverse("admin:blogs_bloggeneration_look", args=[blog.pk + 1])).status_code == 404
    assert not PostOrder.objects.exists()


def test_publishing_says_first_which_shops_asked_for_drafts_only(desk: Client) -> None:
    shop = site()
    blogs = [done_generation(shop, publish=True), done_generation(shop)]

    answer = desk.post(
        reverse("admin:blogs_bloggeneration_changelist"),
        {"action": "publish_again", "_selected_action": [blog.pk for blog in blogs], "index": 0},
    )

    page = visible(answer.content.decode())
    assert "2 blogs of 1 shop: Publish again." in page
    assert "Of 1 of them the shop asked for a draft only: these posts go live too." in page
    assert "No credits are touched." in page
    assert not PostOrder.objects.exists()


def test_two_colleagues_at_once_order_once_and_the_second_is_told(desk: Client) -> None:
    blog = done_generation()

    first, second = act(desk, "publish_again", blog.pk), act(desk, "publish_again", blog.pk)

    assert first == "Asked a worker to publish it again: 1."
    assert second == "Changed none. Skipped 1: publish again is asked for already, and under way."
    assert AuditEntry.objects.filter(action="publish_again").count() == 1
