"""A blog's history, by attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blogs.desk.blogs import attempts
from blogs.desk.blogs.attempts import EVENTS_SHOWN
from blogs.models import BlogGeneration, GenerationEvent
from tests.support.blogs.desk_pages import blog_page, text_of, visible
from tests.support.factories import failed_generation, pending_generation

pytestmark = pytest.mark.django_db

T0 = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def events(*told: tuple[float, str, str, int, str]) -> list[GenerationEvent]:
    """Each as seconds, kind, stage, attempt, code."""
    return [
        GenerationEvent(
            kind=kind, stage=stage, attempt=attempt, code=code, by="h:1", created_at=T0 + timedelta(seconds=at)
        )
        for at, kind, stage, attempt, code in told
    ]


STORY = (
    (0, "submitted", "products", 0, ""),
    (2, "started", "products", 1, ""),
    (5, "checkpoint", "products", 1, ""),
    (6, "warning", "idea", 1, "photo_unusable"),
    (35, "retrying", "idea", 1, "timeout"),
    (55, "started", "idea", 2, ""),
    (56, "deferred", "idea", 2, "rate_limited"),
    (90, "started", "idea", 2, ""),
    (95, "failed", "idea", 2, "content_refused"),
    (300, "requeued", "idea", 0, ""),
    (301, "started", "idea", 1, ""),
)


def test_events_stand_under_their_attempts_and_the_last_is_open() -> None:
    found = attempts.grouped(events(*STORY))

    assert [attempt.title for attempt in found] == ["submitted", "Attempt 1", "Attempt 2", "requeued", "Attempt 1"]
    assert [attempt.is_open for attempt in found] == [False, False, False, False, True]


def test_a_step_says_when_it_began_how_long_it_took_and_how_it_ended() -> None:
    first = attempts.grouped(events(*STORY))[1]

    assert [(step.what, step.stage, step.took, step.code) for step in first.steps] == [
        ("started", "products", "", ""),
        ("done", "products", "3.0 s", ""),
        ("warning", "idea", "", "photo_unusable"),
        ("to be tried again", "idea", "30 s", "timeout"),
    ]
    assert first.steps[3].began == T0 + timedelta(seconds=5)
    assert first.summary == "33 s · idea: to be tried again · 1 error"


def test_runs_that_were_put_off_are_one_attempt() -> None:
    second = attempts.grouped(events(*STORY))[2]

    assert second.runs == 2
    assert second.summary == "2 runs · 40 s · idea: failed · 1 error"


def test_what_waits_between_two_runs_is_no_part_of_a_step() -> None:
    story = [(0, "started", "idea", 1, ""), (1, "deferred", "idea", 1, ""), (99, "cancelled", "idea", 1, "")]

    (only,) = attempts.grouped(events(*story))

    assert [step.took for step in only.steps] == ["", "1.0 s", ""]


def test_a_blogs_page_folds_all_attempts_but_the_last(desk: Client) -> None:
    blog = pending_generation()
    blog.events.all().delete()
    GenerationEvent.objects.bulk_create(
        GenerationEvent(generation=blog, kind=event.kind, stage=event.stage, attempt=event.attempt, code=event.code)
        for event in events(*STORY)
    )

    page = blog_page(desk, blog.pk)

    assert page.count('<details class="attempt">') == 4
    assert page.count('<details class="attempt" open>') == 1


def a_long_history(count: int) -> BlogGeneration:
    blog = failed_generation()
    GenerationEvent.objects.bulk_create(
        GenerationEvent(generation=blog, kind="deferred" if n % 2 else "started", attempt=1, message=f"event {n}.")
        for n in range(count)
    )
    return blog


def test_five_hundred_events_take_one_query_and_one_look(desk: Client) -> None:
    blog = a_long_history(EVENTS_SHOWN - 3)

    with CaptureQueriesContext(connection) as queries:
        page = visible(blog_page(desk, blog.pk))

    assert len([query for query in queries if "blogs_generationevent" in query["sql"]]) <= 2
    assert "event 0." in page
    assert f"event {EVENTS_SHOWN - 4}." in page
    assert "Older ones" not in page


def test_a_longer_history_leads_to_its_older_events(desk: Client) -> None:
    blog = a_long_history(EVENTS_SHOWN)
    url = f"/admin/blogs/bloggeneration/{blog.pk}/change/"
    page = text_of(desk, url)
    assert f"These are {EVENTS_SHOWN} events." in visible(page)
    assert "event 0." in page
    assert "submitted" not in visible(page).lower().partition("timeline")[2].partition("article")[0]

    oldest = blog.events.order_by("-id")[EVENTS_SHOWN - 1].pk
    assert f"?events_before={oldest}#timeline" in page
    older = visible(text_of(desk, url, events_before=oldest)).lower()

    assert "submitted" in older
    assert "event 0." not in older


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, ""])
def test_a_patched_address_shows_the_newest(desk: Client, before: str) -> None:
    blog = failed_generation()

    assert "failed" in text_of(desk, f"/admin/blogs/bloggeneration/{blog.pk}/change/", events_before=before)
