"""Staff send a blog to the head of its site's line; what other sites get stays as it was."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs import queue
from blogs.models import BlogGeneration, Status
from blogs.queue import forecast, lifecycle, lines, waiting
from blogs.queue.lifecycle import WrongState
from credits import ledger
from tests.support import factories
from tests.support.blogs.books import (
    assert_books_are_right,
    history,
    in_line,
    last_event,
    line_of,
    make_due,
    row,
    sessions_waiting_for_a_lock,
)
from tests.support.threads import at_once, in_background, wait_until
from workers.errors import RateLimited, TransientError
from workers.models import WorkerProcess

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]


def put_first(generation: BlogGeneration) -> BlogGeneration:
    return waiting.put_first(generation.pk, by="staff:ann")


def refusal_of(generation: BlogGeneration) -> str:
    """Why it could not be put first; empty: it was."""
    try:
        put_first(generation)
    except WrongState as refused:
        return str(refused)
    return ""


def order(worker: WorkerProcess, count: int) -> list[int]:
    """Which blogs start, one claim each."""
    return [queue.claim(worker, 1)[0].pk for _ in range(count)]


# --- In its line ------------------------------------------------------------------------------------------------------


def test_a_blog_put_first_is_the_next_of_its_site_to_start(worker: WorkerProcess) -> None:
    site = factories.site()
    first, second, last = [factories.pending_generation(site) for _ in range(3)]

    put_first(last)

    assert (last_event(last).kind, last_event(last).by) == ("put_first", "staff:ann")
    assert in_line(site) == 3
    assert order(worker, 3) == [last.pk, first.pk, second.pk]


def test_the_blog_that_is_put_first_last_is_first_of_all(worker: WorkerProcess) -> None:
    site = factories.site()
    first, second, third = [factories.pending_generation(site) for _ in range(3)]

    for generation in (second, third, second):
        put_first(generation)

    assert order(worker, 3) == [second.pk, third.pk, first.pk]


def test_it_goes_before_what_has_run_before(worker: WorkerProcess) -> None:
    site = factories.site()
    begun = factories.processing_generation(site, worker)
    asked = put_first(factories.pending_generation(site))
    assert lifecycle.hand_back(begun)

    assert order(worker, 2) == [asked.pk, begun.pk]


def test_it_stays_first_when_it_comes_back_from_a_failed_attempt(worker: WorkerProcess) -> None:
    site = factories.site()
    other, asked = factories.pending_generation(site), factories.pending_generation(site)
    put_first(asked)
    (running,) = queue.claim(worker, 1)
    lifecycle.retry_later(running, TransientError("timeout", "Too slow."))
    make_due()
    queue.promote()

    assert order(worker, 2) == [asked.pk, other.pk]


def test_no_other_site_starts_less_for_it(worker: WorkerProcess) -> None:
    site, other = factories.site(), factories.site()
    for _ in range(4):
        factories.pending_generation(other)
    asked = [factories.pending_generation(site) for _ in range(4)][-1]
    before = [(line.turn, line.step) for line in (line_of(site), line_of(other))]

    put_first(asked)

    assert [(line.turn, line.step) for line in (line_of(site), line_of(other))] == before
    starts = [queue.claim(worker, 1)[0] for _ in range(8)]
    assert [start.site_id for start in starts] == [site.pk, other.pk] * 4
    assert starts[0].pk == asked.pk


def test_its_place_in_the_queue_is_that_of_its_lines_next_turn() -> None:
    site, other = factories.site(), factories.site()
    for _ in range(3):
        factories.pending_generation(other)
    mine = [factories.pending_generation(site) for _ in range(3)]
    assert [forecast.queue_position(row(blog)) for blog in mine] == [1, 3, 5]

    put_first(mine[2])

    assert [forecast.queue_position(row(blog)) for blog in mine] == [3, 5, 1]


def test_a_retry_that_waits_in_line_counts_before_fresh_blogs(worker: WorkerProcess) -> None:
    site = factories.site()
    begun = factories.processing_generation(site, worker)
    fresh = factories.pending_generation(site)
    assert lifecycle.hand_back(begun)
    later = factories.pending_generation(site)

    assert [forecast.queue_position(row(blog)) for blog in (begun, fresh, later)] == [1, 2, 3]


def test_the_smallest_priority_there_is_is_no_error(worker: WorkerProcess) -> None:
    site = factories.site()
    first, second = factories.pending_generation(site), factories.pending_generation(site)
    BlogGeneration.objects.filter(pk=second.pk).update(priority=-32_768)

    put_first(first)

    assert order(worker, 2) == [first.pk, second.pk]


# --- Outside its line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("put_off", "error"),
    [
        (lifecycle.retry_later, TransientError("timeout", "Too slow.")),
        (lifecycle.defer, RateLimited("openai_limit", "Busy.", retry_in=600)),
    ],
    ids=["retry", "deferral"],
)
def test_what_waits_for_another_try_starts_now(worker: WorkerProcess, put_off: Any, error: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site, worker)
    put_off(generation, error)
    put_off_row = row(generation)
    factories.pending_generation(site)
    assert not put_off_row.ready

    put_first(generation)

    moved = row(generation)
    assert (moved.ready, moved.run_after, moved.attempts) == (True, None, put_off_row.attempts)
    assert moved.deferred_since == put_off_row.deferred_since  # the day after which it is given up goes on
    assert in_line(site) == 2
    assert order(worker, 1) == [generation.pk]


def scheduled() -> BlogGeneration:
    return factories.pending_generation(scheduled_at=timezone.now() + timedelta(hours=1))


def test_a_schedule_is_the_shops_and_stays() -> None:
    generation = scheduled()

    with pytest.raises(WrongState, match="it waits for the time its shop chose"):
        put_first(generation)

    assert (row(generation).ready, row(generation).priority) == (False, 0)
    assert history(generation) == ["submitted"]


def test_a_schedule_that_is_due_is_over(worker: WorkerProcess) -> None:
    generation = scheduled()
    make_due()

    put_first(generation)

    assert queue.promote() == 0
    assert order(worker, 1) == [generation.pk]


def test_a_line_that_was_empty_starts_at_the_clock(worker: WorkerProcess) -> None:
    silent = factories.processing_generation(worker=worker)
    lifecycle.retry_later(silent, TransientError("timeout", "Too slow."))
    other = factories.site()
    for _ in range(5):
        factories.pending_generation(other)
    order(worker, 5)

    put_first(silent)

    assert line_of(silent.site).turn == line_of(other).turn - 1


def test_in_a_paused_line_it_waits_and_is_first_when_the_line_is_resumed(worker: WorkerProcess) -> None:
    site = factories.site()
    other, asked = factories.pending_generation(site), factories.pending_generation(site)
    lines.pause(line_of(site))

    put_first(asked)

    assert queue.claim(worker, 2) == []
    lines.resume(line_of(site))
    assert order(worker, 2) == [asked.pk, other.pk]


# --- Refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [factories.processing_generation, factories.done_generation, factories.failed_generation],
    ids=["PROCESSING", "DONE", "FAILED"],
)
def test_only_pending_blogs_are_put_first(request: pytest.FixtureRequest, made: Any) -> None:
    generation = made()

    with pytest.raises(WrongState, match=r"it is (PROCESSING|DONE|FAILED); only PENDING blogs can be put first"):
        put_first(generation)

    assert row(generation).priority == 0
    assert "put_first" not in history(generation)


def test_twice_is_told_so_and_changes_nothing() -> None:
    site = factories.site()
    factories.pending_generation(site)
    generation = put_first(factories.pending_generation(site))

    with pytest.raises(WrongState, match="it is first in its site's line already"):
        put_first(generation)

    assert history(generation) == ["submitted", "put_first"]
    assert row(generation).priority == generation.priority


# --- With others at the same time -------------------------------------------------------------------------------------


def test_locks_are_taken_in_the_one_order() -> None:
    generation = factories.pending_generation()

    with CaptureQueriesContext(connection) as queries:
        put_first(generation)

    locked = [query["sql"].split(' FROM "')[1].split('"')[0] for query in queries if "FOR UPDATE" in query["sql"]]
    assert locked == ["credits_creditaccount", "blogs_siteline", "blog_generations"]


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_those_who_hold_the_account_and_sees_what_they_did() -> None:
    generation = factories.pending_generation()
    refused: list[str] = []
    with transaction.atomic():
        ledger.lock(generation.site_id)
        thread = in_background(lambda: refused.append(refusal_of(generation)))
        wait_until(lambda: sessions_waiting_for_a_lock() == 1)
        lifecycle.cancel(generation.pk, by="shop")
    thread.join()

    assert refused == ["it is CANCELLED; only PENDING blogs can be put first"]


def claim_into(begun: list[BlogGeneration], worker: WorkerProcess) -> None:
    begun.extend(queue.claim(worker, 2))


@pytest.mark.django_db(transaction=True)
def test_against_claims_it_is_either_put_first_or_running_already(worker: WorkerProcess) -> None:
    site = factories.site(credits=25 * 40)
    blogs = [factories.pending_generation(site) for _ in range(40)]

    claimed: list[int] = []
    for start in range(0, 40, 2):
        begun: list[BlogGeneration] = []
        refused, _ = at_once(partial(refusal_of, blogs[start + 1]), partial(claim_into, begun, worker))
        claimed += [generation.pk for generation in begun]
        assert refused in ("", "it is PROCESSING; only PENDING blogs can be put first")
        assert (refused == "") == ("put_first" in history(blogs[start + 1]))
        assert_books_are_right()
    while rest := queue.claim(worker, 5):
        claimed += [generation.pk for generation in rest]

    assert sorted(claimed) == [generation.pk for generation in blogs]
    assert set(BlogGeneration.objects.values_list("status", flat=True)) == {Status.PROCESSING}


@pytest.mark.django_db(transaction=True)
def test_two_staff_at_once_leave_one_order(worker: WorkerProcess) -> None:
    site = factories.site()
    first, second, third = [factories.pending_generation(site) for _ in range(3)]

    at_once(lambda: put_first(second), lambda: put_first(third))

    priorities = {blog.pk: row(blog).priority for blog in (first, second, third)}
    assert sorted(priorities.values()) == [-2, -1, 0]
    assert order(worker, 3) == sorted(priorities, key=lambda pk: priorities[pk])
