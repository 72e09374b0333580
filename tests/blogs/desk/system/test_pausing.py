"""Pause and resume of all lines and of a provider: asked first, with a reason, done once, and in the audit log."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from blogs import queue
from blogs.models import AuditEntry, BlogGeneration
from blogs.queue import lines
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import WorkerFactory, pending_generation, processing_generation, site
from workers.models import Breaker

pytestmark = pytest.mark.django_db

PAUSE_ALL, RESUME_ALL = "admin:desk_pause_all", "admin:desk_resume_all"


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def confirm(client: Client, url: str, reason: str = "ticket 7") -> str:
    return said(client.post(url, {"reason": reason}, follow=True))


def entries() -> list[tuple[str, str, str, str]]:
    done = AuditEntry.objects.exclude(action="login").order_by("id")
    return list(done.values_list("by", "action", "about", "reason"))


def test_the_page_says_what_a_pause_of_all_lines_means_and_changes_nothing(desk: Client) -> None:
    processing_generation()
    pending_generation()

    page = visible(text_of(desk, reverse(PAUSE_ALL)))

    assert "1 blog in line: none of them starts until all lines are resumed" in page
    assert "1 blog on the way: they go on to their end." in page
    assert lines.pause_of_all() is None


def test_all_lines_are_paused_and_resumed_with_reasons(desk: Client) -> None:
    pending_generation()

    assert confirm(desk, reverse(PAUSE_ALL), "Wix is moving").startswith("All lines are paused")

    assert queue.claim(WorkerFactory.create(), 1) == []
    page = visible(text_of(desk, reverse(RESUME_ALL)))
    assert "Paused by ada since" in page
    assert "Wix is moving" in page
    assert confirm(desk, reverse(RESUME_ALL), "It has moved") == "All lines go on."
    assert len(queue.claim(WorkerFactory.create(), 1)) == 1
    assert entries() == [
        ("ada", "pause_all", "all lines", "Wix is moving"),
        ("ada", "resume_all", "all lines", "It has moved"),
    ]


def test_without_a_reason_nothing_is_paused(desk: Client) -> None:
    answer = desk.post(reverse(PAUSE_ALL), {"reason": ""})

    assert "This field is required" in answer.content.decode()
    assert lines.pause_of_all() is None
    assert entries() == []


def test_the_second_of_two_colleagues_is_told_and_leaves_no_entry(desk: Client) -> None:
    lines.pause_all(by="bob", reason="first")

    assert "All lines are paused already." in visible(text_of(desk, reverse(PAUSE_ALL)))
    assert confirm(desk, reverse(PAUSE_ALL)) == "It was so already; nothing was changed."

    assert entries() == []
    clock = lines.pause_of_all()
    assert clock
    assert clock.paused_by == "bob"


def test_lines_paused_one_by_one_stay_paused(desk: Client) -> None:
    shop = site()
    pending_generation(shop)
    lines.pause(shop.line)
    lines.pause_all(by="ada", reason="x")

    assert "1 shops' lines were paused one by one" in visible(text_of(desk, reverse(RESUME_ALL)))
    confirm(desk, reverse(RESUME_ALL))

    assert queue.claim(WorkerFactory.create(), 1) == []


def test_a_provider_is_paused_before_it_ever_failed_and_what_waits_comes_back(desk: Client) -> None:
    url = reverse("admin:desk_pause_provider", args=["replicate"])
    assert "No call goes to replicate" in visible(text_of(desk, url))

    confirm(desk, url, "We change the key.")

    breaker = Breaker.objects.get(pk="replicate")
    assert (breaker.held_by, breaker.reason, breaker.opened_at is not None) == (
        "staff:ada",
        "We change the key.",
        True,
    )
    blog = pending_generation()
    BlogGeneration.objects.filter(pk=blog.pk).update(ready=False, run_after="2999-01-01T00:00Z", waits_for="replicate")
    resume = reverse("admin:desk_resume_provider", args=["replicate"])
    assert "1 blog wait for replicate" in visible(text_of(desk, resume))
    confirm(desk, resume, "It is changed.")
    blog.refresh_from_db()
    assert blog.waits_for == ""
    assert [action for _, action, _, _ in entries()] == ["hold_breaker_open", "close_breaker"]


def test_no_other_name_is_a_provider(desk: Client) -> None:
    assert desk.get(reverse("admin:desk_pause_provider", args=["acme"])).status_code == 404
    assert desk.post(reverse("admin:desk_pause_provider", args=["acme"]), {"reason": "x"}).status_code == 404
    assert not Breaker.objects.filter(pk="acme").exists()


def test_a_provider_that_is_asked_needs_no_resume(desk: Client) -> None:
    url = reverse("admin:desk_resume_provider", args=["openai"])

    assert "It is asked already." in visible(text_of(desk, url))
    assert confirm(desk, url) == "It was so already; nothing was changed."
    assert entries() == []
