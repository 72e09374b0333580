"""A blog that hasn't started gets another time: it changes between its line and the schedule, and its credits stay held."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs import queue
from blogs.queue import submitting, waiting
from blogs.queue.admission import NoRoom
from blogs.queue.lifecycle import WrongState
from blogs.queue.request import IdempotencyConflict, SchedulePassed
from blogs.queue.waiting import HasThatTime
from tests.support import factories
from tests.support.blogs import outcomes
from tests.support.blogs.books import credits_of, history, in_line, make_due, row
from tests.support.problems import problem, refused_fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def _in(**span: int) -> datetime:
    return timezone.now().replace(microsecond=0) + timedelta(**span)


def test_out_of_its_line_and_into_it_again() -> None:
    site = factories.site(credits=100)
    generation = factories.pending_generation(site)
    tomorrow = _in(days=1)

    waiting.reschedule(generation.pk, tomorrow, by="shop")

    later = row(generation)
    assert (later.ready, later.run_after, later.scheduled_at, in_line(site)) == (False, tomorrow, tomorrow, 0)
    assert queue.claim(factories.WorkerFactory.create(), 1) == []

    waiting.reschedule(generation.pk, None, by="shop")

    now = row(generation)
    assert (now.ready, now.run_after, now.scheduled_at, in_line(site)) == (True, None, None, 1)
    assert credits_of(site) == (100, 25)
    assert history(generation) == ["submitted", "rescheduled", "rescheduled"]


def test_to_the_time_that_it_has_nothing_is_changed_and_no_event_is_written() -> None:
    tomorrow = _in(days=1)
    ready, scheduled = factories.pending_generation(), factories.pending_generation(scheduled_at=tomorrow)

    for generation, to in ((ready, None), (scheduled, tomorrow)):
        with pytest.raises(HasThatTime):
            waiting.reschedule(generation.pk, to, by="shop")

    assert history(ready) == history(scheduled) == ["submitted"]
    assert (row(ready).ready, row(scheduled).run_after) == (True, tomorrow)


def test_from_one_time_to_another() -> None:
    generation = factories.pending_generation(scheduled_at=_in(days=1))
    next_week = _in(days=7)

    waiting.reschedule(generation.pk, next_week, by="shop")

    assert row(generation).run_after == next_week
    assert queue.promote() == 0


def test_one_that_waits_for_its_second_try_or_runs_or_is_over_keeps_its_time() -> None:
    tried = factories.processing_generation()
    outcomes.retry_later(tried)
    running = factories.processing_generation()

    for generation in (tried, running, factories.done_generation(), factories.failed_generation()):
        with pytest.raises(WrongState):
            waiting.reschedule(generation.pk, None, by="shop")
        assert "rescheduled" not in history(generation)


def test_a_time_that_has_passed_is_a_mistake_and_one_just_passed_is_now() -> None:
    generation = factories.pending_generation(scheduled_at=_in(days=1))

    with pytest.raises(SchedulePassed):
        waiting.reschedule(generation.pk, _in(minutes=-6), by="shop")
    assert not row(generation).ready

    waiting.reschedule(generation.pk, _in(minutes=-1), by="shop")
    assert row(generation).ready


def test_a_full_schedule_takes_nothing_more_from_the_line(settings: Any) -> None:
    settings.BLOG_SCHEDULED_LIMIT_PER_SITE = 1
    site = factories.site()
    scheduled = factories.pending_generation(site, scheduled_at=_in(days=1))
    generation = factories.pending_generation(site)

    with pytest.raises(NoRoom):
        waiting.reschedule(generation.pk, _in(days=1), by="shop")
    assert row(generation).ready

    waiting.reschedule(scheduled.pk, _in(days=2), by="shop")  # it has its place already


def test_it_starts_in_its_new_time_only() -> None:
    generation = factories.pending_generation()
    waiting.reschedule(generation.pk, _in(days=1), by="shop")
    make_due(pk=generation.pk)

    assert queue.promote() == 1
    assert [claimed.pk for claimed in queue.claim(factories.WorkerFactory.create(), 1)] == [generation.pk]


def test_the_repeated_request_is_still_the_same_blog_and_another_is_still_a_conflict() -> None:
    site = factories.site()
    asked = factories.blog_request(scheduled_at=_in(days=1))
    generation = submitting.submit(site=site, request=asked, idempotency_key="k")
    other_time = factories.blog_request(scheduled_at=_in(days=2))
    with pytest.raises(IdempotencyConflict):
        submitting.submit(site=site, request=other_time, idempotency_key="k")

    waiting.reschedule(generation.pk, _in(days=3), by="shop")

    assert submitting.submit(site=site, request=asked, idempotency_key="k").pk == generation.pk
    with pytest.raises(IdempotencyConflict):
        submitting.submit(site=site, request=factories.blog_request("another"), idempotency_key="k")


# --- Over HTTP --------------------------------------------------------------------------------------------------------


def test_a_shop_changes_the_time_and_sees_where_the_blog_stands_now(api: Any) -> None:
    site = factories.site()
    generation = factories.pending_generation(site)
    tomorrow = _in(days=1)

    body = api(site).patch(generation.pk, {"scheduledAt": tomorrow.isoformat()}).json()
    assert (datetime.fromisoformat(body["scheduledAt"]), body["queuePosition"]) == (tomorrow, None)

    assert api(site).patch(generation.pk, {"scheduledAt": None}).json()["queuePosition"] == 1


def test_what_has_started_is_a_conflict(api: Any) -> None:
    generation = factories.processing_generation()

    problem(api(generation.site).patch(generation.pk, {"scheduledAt": None}), 409, "wrong_state")


def test_another_shops_blog_is_not_found(api: Any) -> None:
    generation = factories.pending_generation()

    problem(api(factories.site()).patch(generation.pk, {"scheduledAt": None}), 404, "not_found")
    assert history(generation) == ["submitted"]


@pytest.mark.parametrize("body", [{}, {"scheduledAt": "tomorrow"}, {"scheduledAt": "2027-01-01T09:00:00"}])
def test_a_time_must_be_said_and_have_an_offset(api: Any, body: dict[str, Any]) -> None:
    generation = factories.pending_generation()

    assert set(refused_fields(api(generation.site).patch(generation.pk, body))) == {"scheduledAt"}
