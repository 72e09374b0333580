from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from blogs import queue
from blogs.models import AuditEntry, BlogGeneration, GenerationEvent
from blogs.queue import lifecycle, lines
from tests.support.blogs.desk_pages import act, blog_page, text_of, visible
from tests.support.factories import WorkerFactory, failed_generation, pending_generation, processing_generation, site
from tests.support.threads import at_once
from wix.models import Site
from workers.errors import TransientError

pytestmark = pytest.mark.django_db

BUTTON = "Put first in its shop's line"


def line_order(shop: Site) -> list[int]:
    """List which of its blogs start, one after the other."""
    worker = WorkerFactory.create()
    return [generation.pk for _ in range(shop.line.waiting) for generation in queue.claim(worker, 1)]


def puts(generation: BlogGeneration) -> list[GenerationEvent]:
    return list(GenerationEvent.objects.filter(generation=generation, kind="put_first"))


def test_a_blog_is_put_first_and_staff_read_its_place_in_the_whole_queue(desk: Client) -> None:
    shop, other = site(), site()
    pending_generation(other)
    first, second = pending_generation(shop), pending_generation(shop)

    message = act(desk, "put_first", second.pk)

    assert f"Put first: 1. Blog {second.pk}: Place " in message
    assert " of the whole queue: starts in about " in message
    assert [event.by for event in puts(second)] == ["staff:ada"]
    with transaction.atomic():
        lines.pause(lines.lock(other.pk))
    assert line_order(shop) == [second.pk, first.pk]


def test_several_of_one_site_keep_their_order(desk: Client) -> None:
    shop = site()
    blogs = [pending_generation(shop) for _ in range(5)]

    message = act(desk, "put_first", blogs[4].pk, blogs[2].pk)

    assert message == "Put first: 2."
    assert line_order(shop) == [blogs[place].pk for place in (2, 4, 0, 1, 3)]


def test_what_cannot_be_put_first_says_why(desk: Client) -> None:
    failed, running, shop = failed_generation(), processing_generation(), site()
    later = pending_generation(shop, scheduled_at=timezone.now() + timedelta(hours=1))

    message = act(desk, "put_first", failed.pk, running.pk, later.pk)

    assert message.startswith("Changed none. ")
    assert "Skipped 1: it is FAILED; only PENDING blogs can be put first." in message
    assert "Skipped 1: it is PROCESSING; only PENDING blogs can be put first." in message
    assert "Skipped 1: it waits for the time its shop chose, and is in no line until then." in message


def test_a_blog_that_has_its_new_time_already_is_skipped_and_not_audited_as_done(desk: Client) -> None:
    generation = pending_generation()

    message = act(desk, "reschedule", generation.pk, to="")

    assert message == "Changed none. Skipped 1: it is to start now already."
    assert not AuditEntry.objects.filter(action="reschedule").exists()
    assert not generation.events.filter(kind="rescheduled").exists()


@pytest.mark.parametrize(
    ("to", "said"),
    [("9999-12-31T23:59", "That is more than a year away"), ("2020-01-01T00:00", "That time has passed")],
)
def test_a_time_that_no_shop_may_ask_for_is_refused(desk: Client, to: str, said: str) -> None:
    generation = pending_generation(scheduled_at=timezone.now() + timedelta(days=1))

    asked = {"action": "reschedule", "_selected_action": [generation.pk], "confirmed": "1", "reason": "x", "to": to}
    answer = desk.post("/admin/blogs/bloggeneration/", asked)

    assert said in answer.content.decode()
    assert not AuditEntry.objects.filter(action="reschedule").exists()


def test_a_new_time_is_said_in_utc(desk: Client) -> None:
    generation = pending_generation(scheduled_at=timezone.now() + timedelta(days=1))
    to = timezone.now() + timedelta(days=2)

    assert (
        act(desk, "reschedule", generation.pk, to=f"{to:%Y-%m-%dT%H:%M}") == f"To start at {to:%Y-%m-%d %H:%M} UTC: 1."
    )


def test_a_paused_line_is_mentioned(desk: Client) -> None:
    generation = pending_generation()
    lines.pause(generation.site.line)

    message = act(desk, "put_first", generation.pk)

    assert "Put first: 1." in message
    assert "Its site's line is paused: nothing of it starts until somebody resumes it." in message


def test_a_second_click_changes_nothing(desk: Client) -> None:
    shop = site()
    pending_generation(shop)
    generation = pending_generation(shop)

    act(desk, "put_first", generation.pk)
    again = act(desk, "put_first", generation.pk)

    assert again == "Changed none. Skipped 1: it is first in its site's line already."
    assert len(puts(generation)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_put_it_first_once(desk: Client) -> None:
    shop = site()
    pending_generation(shop)
    generation = pending_generation(shop)
    clients = [deepcopy(desk), deepcopy(desk)]

    at_once(*(lambda client=client: act(client, "put_first", generation.pk) for client in clients))

    assert len(puts(generation)) == 1


def test_a_blogs_page_has_the_button_while_that_makes_sense(desk: Client) -> None:
    worker, waits = WorkerFactory.create(), pending_generation()
    assert BUTTON in visible(blog_page(desk, waits.pk))

    message = act(desk, "put_first", waits.pk, query=f"?q={waits.pk}")

    assert message.startswith("Put first: 1.")
    page = visible(blog_page(desk, waits.pk))
    assert "It is in line, at place 1 of all; it starts in about " in page
    assert "products put first" in page  # in its timeline, behind the stage
    (running,) = queue.claim(worker, 1)
    assert BUTTON not in visible(blog_page(desk, waits.pk))
    lifecycle.retry_later(running, TransientError("timeout", "Too slow."))
    assert BUTTON in visible(blog_page(desk, waits.pk))


def test_a_scheduled_or_finished_blogs_page_has_no_such_button(desk: Client) -> None:
    later = pending_generation(scheduled_at=timezone.now() + timedelta(hours=1))

    for generation in (later, failed_generation()):
        page = visible(blog_page(desk, generation.pk))
        assert BUTTON not in page
        assert "in line, at place" not in page


def test_who_may_only_view_cannot_put_a_blog_first(desk_with: Callable[..., Client]) -> None:
    viewer = desk_with("blogs.view_bloggeneration")
    generation = pending_generation()

    act(viewer, "put_first", generation.pk)

    assert not puts(generation)
    assert BUTTON not in visible(blog_page(viewer, generation.pk))
    assert "put_first" not in text_of(viewer, "/admin/blogs/bloggeneration/")


def test_who_may_steer_blogs_may(desk_with: Callable[..., Client]) -> None:
    generation = pending_generation()

    assert act(desk_with("blogs.view_bloggeneration", "blogs.steer_blogs"), "put_first", generation.pk).startswith(
        "Put first: 1."
    )
    assert puts(generation)[0].by == "staff:vera"
