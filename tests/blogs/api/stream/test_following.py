"""A shop's server follows its blogs by live events, served by the real process."""

from __future__ import annotations

import pytest
from django.db import transaction

from blogs.models import GenerationEvent, Stage
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.live_events import Served
from wix.models import Site
from workers.errors import TransientError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow_process]


def _numbers(blog: int) -> list[int]:
    return list(GenerationEvent.objects.filter(generation=blog).order_by("pk").values_list("pk", flat=True))


def test_a_site_hears_of_each_of_its_blogs_and_of_no_others(live: Served) -> None:
    mine, other = factories.site(), factories.site()

    with live.stream(mine) as stream:
        opened = stream.next()
        theirs = factories.pending_generation(other)
        blog = factories.pending_generation(mine)
        lifecycle.cancel(theirs.pk, by="test")
        lifecycle.cancel(blog.pk, by="test")
        heard = stream.until("blog.cancelled")

    assert opened
    assert (opened.event, opened.data) == ("stream.opened", {"blog": None})
    assert opened.id is not None
    assert opened.retry
    assert [each.event for each in heard] == ["blog.queued", "blog.cancelled"]
    assert [each.id for each in heard] == _numbers(blog.pk)
    assert {each.data["id"] for each in heard} == {blog.pk}
    assert heard[-1].data["status"] == "CANCELLED"


def test_a_blogs_stream_tells_all_from_its_beginning_and_ends_with_it(live: Served) -> None:
    site = factories.site()
    blog = factories.processing_generation(site)
    lifecycle.checkpoint(blog, Stage.PRODUCTS, {"products": []}, next_stage=Stage.IDEA)

    with live.of_blog(site, blog.pk) as stream:
        assert stream.until("blog.progress")
        lifecycle.retry_later(blog, TransientError("openai_down", "OpenAI does not answer."))
        waiting = stream.until("blog.waiting")[-1]
        lifecycle.cancel(blog.pk, by="staff:ada", reason="the shop is a fraud")
        rest = stream.all()

    assert waiting.data["status"] == "PENDING"
    assert waiting.data["error"] == {"code": "openai_down", "message": "OpenAI does not answer.", "stage": "idea"}
    assert [each.event for each in rest] == ["blog.cancelled"]
    assert "fraud" not in str(rest)


def test_the_stream_of_a_finished_blog_tells_its_history_and_ends(live: Served) -> None:
    site = factories.site()
    blog = factories.done_generation(site)

    with live.of_blog(site, blog.pk) as stream:
        heard = stream.all()

    assert [each.event for each in heard] == [
        "stream.opened",
        "blog.queued",
        "blog.started",
        "blog.progress",
        "blog.completed",
    ]
    assert [each.data["status"] for each in heard[1:]] == ["PENDING", "PROCESSING", "PROCESSING", "DONE"]
    assert heard[1].data["progress"] == {"stage": 1, "of": 7}
    assert heard[-1].data["progress"] == {"stage": 7, "of": 7}
    assert heard[-1].data["at"].endswith("Z")


def test_who_has_heard_a_finished_blogs_last_event_is_told_not_to_come_back(live: Served) -> None:
    site = factories.site()
    blog = factories.done_generation(site)

    with live.of_blog(site, blog.pk, Last_Event_ID=str(_numbers(blog.pk)[-1])) as stream:
        assert stream.status == 204
        assert stream.rest() == b""


def test_a_stream_goes_on_behind_the_last_event_that_was_heard(live: Served) -> None:
    site = factories.site()
    with live.stream(site) as stream:
        opened = stream.next()
    assert opened
    blog = factories.failed_generation(site)
    numbers = _numbers(blog.pk)

    with live.stream(site, Last_Event_ID=str(opened.id)) as stream:
        again = stream.until("blog.failed")
    with live.stream(site, Last_Event_ID=str(numbers[0])) as stream:
        behind = stream.until("blog.failed")
    with live.of_blog(site, blog.pk, Last_Event_ID=str(numbers[0])) as stream:
        of_blog = stream.all()

    assert [each.id for each in again] == [None, *numbers]
    assert [each.id for each in behind] == [None, *numbers[1:]]
    assert [each.id for each in of_blog] == [None, *numbers[1:]]


def test_a_blog_that_is_tried_again_is_followed_to_its_new_end(live: Served) -> None:
    site = factories.site()
    with live.stream(site) as stream:
        stream.next()
        blog = factories.failed_generation(site)
        stream.until("blog.failed")
        lifecycle.requeue(blog.pk, by="staff:ada")
        stream.until("blog.queued")

    with live.of_blog(site, blog.pk) as stream:
        told = [each.event for each in stream.until("blog.failed")]
        requeued = stream.next()
        lifecycle.cancel(blog.pk, by="test")
        assert [each.event for each in stream.all()] == ["blog.cancelled"]

    assert told[-1] == "blog.failed"
    assert requeued
    assert (requeued.event, requeued.data["status"]) == ("blog.queued", "PENDING")


def test_a_blog_that_ended_and_was_tried_again_at_the_same_moment_is_followed_on(live: Served) -> None:
    site = factories.site()
    blog = factories.pending_generation(site)

    with live.of_blog(site, blog.pk) as stream:
        assert stream.until("blog.queued")
        with transaction.atomic():
            lifecycle.cancel(blog.pk, by="test")
            lifecycle.requeue(blog.pk, by="staff:ada")
        assert stream.until("blog.queued")
        lifecycle.cancel(blog.pk, by="test")
        assert [each.event for each in stream.all()] == ["blog.cancelled"]


def test_silence_is_told_from_a_lost_connection_by_heartbeats(live: Served) -> None:
    with live.stream(factories.site()) as stream:
        stream.next()
        for _ in range(2):
            beat = stream.next(heartbeats=True)
            assert beat
            assert beat.is_heartbeat


def test_who_was_away_for_too_long_is_told_that_events_are_missing(live: Served) -> None:
    site, others = factories.site(), factories.site()
    first = _numbers(factories.failed_generation(site).pk)[0]
    _many_events(others)

    with live.stream(site, Last_Event_ID=str(first)) as stream:
        opened, reset = stream.next(), stream.next()
        blog = factories.pending_generation(site)
        heard = stream.until("blog.queued")

    assert opened
    assert reset
    assert (reset.event, reset.data) == ("stream.reset", {"lastEventId": first})
    assert reset.id
    assert [each.data["id"] for each in heard] == [blog.pk]


def test_an_event_that_this_database_never_had_is_told_as_missing(live: Served) -> None:
    site = factories.site()
    blog = factories.done_generation(site)

    with live.stream(site, Last_Event_ID="9" * 18) as stream:
        assert [stream.next().event for _ in range(2)] == ["stream.opened", "stream.reset"]  # type: ignore[union-attr]
    with live.of_blog(site, factories.pending_generation(site).pk, Last_Event_ID="9" * 18) as stream:
        assert [stream.next().event for _ in range(3)] == [  # type: ignore[union-attr]
            "stream.opened",
            "stream.reset",
            "blog.queued",
        ]
    assert blog


def _many_events(site: Site) -> None:
    blog = factories.pending_generation(site)
    GenerationEvent.objects.bulk_create([GenerationEvent(generation=blog, kind="put_first") for _ in range(6_100)])
