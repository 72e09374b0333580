"""The rows of the state table in `lifecycle.py` for a worker's thread that holds the lease."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection

from blogs import queue
from blogs.models import BlogGeneration, Stage, StageOutput, Status
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.blogs.books import credits_of, history, in_line, last_event, make_due, row
from workers.errors import PermanentError, RateLimited, TransientError

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("right_books")]

SLOW = TransientError("timeout", "It took too long.")
REFUSED = PermanentError("content_refused", "It was refused.")


def limited(seconds: float = 30) -> RateLimited:
    return RateLimited("rate_limited", "Too many calls.", retry_in=seconds)


def draft() -> dict[str, Any]:
    return {"draft_post_id": str(uuid.uuid4()), "draft_post_url": "https://shop.example/post/x"}


def with_stored_draft(**fields: Any) -> BlogGeneration:
    generation = factories.processing_generation(**fields)
    lifecycle.checkpoint(generation, Stage.DRAFT, {}, next_stage=Stage.PUBLISH, **draft())
    return generation


def seconds_until_run(generation: BlogGeneration) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM run_after - clock_timestamp()) FROM blog_generations WHERE id = %s",
            [generation.pk],
        )
        return float(cursor.fetchone()[0])


def put_off_since(generation: BlogGeneration, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET deferred_since = clock_timestamp() - %s * interval '1 second' WHERE id = %s",
            [seconds, generation.pk],
        )


def assert_has_no_lease(generation: BlogGeneration) -> None:
    assert (generation.lease_token, generation.lease_expires_at, generation.worker_id) == (None, None, None)


def test_a_claimed_blog_has_begun_an_attempt_and_left_its_line() -> None:
    site = factories.site()
    generation = row(factories.processing_generation(site))

    assert (generation.status, generation.ready, generation.attempts) == (Status.PROCESSING, False, 1)
    assert generation.started_at is not None
    assert in_line(site) == 0
    assert history(generation) == ["submitted", "started"]


# --- checkpoint -------------------------------------------------------------------------------------------------------


def test_a_checkpoint_saves_the_output_and_moves_to_the_next_stage() -> None:
    generation = factories.processing_generation()

    goes_on = lifecycle.checkpoint(generation, Stage.PRODUCTS, {"products": []}, next_stage=Stage.IDEA)

    assert goes_on
    assert (row(generation).status, row(generation).stage) == (Status.PROCESSING, Stage.IDEA)
    assert StageOutput.objects.get(generation=generation).output == {"products": []}
    assert history(generation)[-1] == "checkpoint"


def test_a_checkpoint_whose_answer_was_lost_may_be_written_again() -> None:
    generation = factories.processing_generation()
    lifecycle.checkpoint(generation, Stage.IDEA, {"title": "First"}, next_stage=Stage.ARTICLE)

    lifecycle.checkpoint(generation, Stage.IDEA, {"title": "Second"}, next_stage=Stage.ARTICLE)

    assert StageOutput.objects.get(generation=generation).output == {"title": "First"}
    assert row(generation).stage == Stage.ARTICLE


def test_a_checkpoint_ends_a_time_of_deferrals() -> None:
    generation = factories.processing_generation()
    put_off_since(generation, 3600)

    lifecycle.checkpoint(generation, Stage.PRODUCTS, {}, next_stage=Stage.IDEA)

    assert row(generation).deferred_since is None


def test_what_went_wrong_in_an_optional_stage_is_a_warning_of_its_checkpoint() -> None:
    generation = factories.processing_generation()

    lifecycle.checkpoint(generation, Stage.IMAGE, {}, next_stage=Stage.MEDIA, warnings=[SLOW])

    event = last_event(generation)
    assert (event.kind, event.code, event.stage) == ("warning", "timeout", Stage.IMAGE)


# --- succeed ----------------------------------------------------------------------------------------------------------


def test_success_captures_the_credits_and_saves_the_draft() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)
    made = draft()

    lifecycle.succeed(generation, Stage.DRAFT, made, **made)

    done = row(generation)
    assert (done.status, str(done.draft_post_id)) == (Status.DONE, made["draft_post_id"])
    assert done.finished_at is not None
    assert_has_no_lease(done)
    assert credits_of(site) == (75, 0)
    assert history(generation) == ["submitted", "started", "checkpoint", "done"]


def test_success_wipes_the_error_of_an_earlier_attempt() -> None:
    worker = factories.WorkerFactory.create()
    lifecycle.retry_later(factories.processing_generation(worker=worker), SLOW)
    make_due()
    queue.promote()
    (generation,) = queue.claim(worker, 1)

    lifecycle.succeed(generation, Stage.DRAFT, {}, **draft())

    assert (row(generation).error_code, row(generation).error_message) == ("", "")


# --- defer ------------------------------------------------------------------------------------------------------------


def test_a_deferral_gives_the_attempt_back_and_keeps_the_hold() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)

    lifecycle.defer(generation, limited(30))

    put_off = row(generation)
    assert (put_off.status, put_off.ready, put_off.attempts) == (Status.PENDING, False, 0)
    assert 28 < seconds_until_run(generation) <= 37.5
    assert_has_no_lease(put_off)
    assert credits_of(site) == (100, 25)
    assert (last_event(generation).kind, last_event(generation).code) == ("deferred", "rate_limited")


@pytest.mark.parametrize("since", [0, 240, 80_000])
def test_however_long_a_blog_was_put_off_it_waits_as_long_as_is_asked_now(since: float) -> None:
    generation = factories.processing_generation()
    put_off_since(generation, since)

    lifecycle.defer(generation, limited(4))

    assert 3 < seconds_until_run(generation) <= 5


def test_where_nothing_is_asked_the_next_wait_is_longer_the_longer_the_blog_was_put_off() -> None:
    generation = factories.processing_generation()
    put_off_since(generation, 400)

    lifecycle.defer(generation, RateLimited("rate_limited", "Too many calls.", guess=1))

    assert 145 < seconds_until_run(generation) < 255


def test_repeated_deferrals_count_from_the_first() -> None:
    generation = factories.processing_generation()
    put_off_since(generation, 100)
    since = row(generation).deferred_since

    lifecycle.defer(generation, limited())

    assert row(generation).deferred_since == since


def test_after_a_day_of_deferrals_the_blog_fails_and_its_credits_return(settings: Any) -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)
    put_off_since(generation, settings.BLOG_MAX_DEFERRAL_SECONDS + 1)

    lifecycle.defer(generation, limited())

    assert (row(generation).status, row(generation).error_code) == (Status.FAILED, "rate_limited")
    assert credits_of(site) == (100, 0)


def test_a_little_less_than_a_day_of_deferrals_is_waited_out(settings: Any) -> None:
    generation = factories.processing_generation()
    put_off_since(generation, settings.BLOG_MAX_DEFERRAL_SECONDS - 60)

    lifecycle.defer(generation, limited())

    assert row(generation).status == Status.PENDING


def test_an_attempt_of_its_own_ends_a_time_of_deferrals() -> None:
    generation = factories.processing_generation()
    put_off_since(generation, 3600)

    lifecycle.retry_later(generation, SLOW)

    assert row(generation).deferred_since is None


# --- retry_later ------------------------------------------------------------------------------------------------------


def test_a_retry_keeps_the_attempt_and_says_why() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)

    lifecycle.retry_later(generation, SLOW)

    waits = row(generation)
    assert (waits.status, waits.ready, waits.attempts, waits.error_code) == (Status.PENDING, False, 1, "timeout")
    assert 7 < seconds_until_run(generation) <= 12.5
    assert_has_no_lease(waits)
    assert credits_of(site) == (100, 25)
    assert last_event(generation).kind == "retrying"


@pytest.mark.parametrize(("attempts", "least", "most"), [(2, 15, 25), (4, 60, 100)])
def test_each_retry_waits_twice_as_long(attempts: int, least: float, most: float) -> None:
    generation = factories.processing_generation()
    generation.attempts = attempts

    lifecycle.retry_later(generation, SLOW)

    assert least - 1 < seconds_until_run(generation) <= most


def test_no_retry_waits_much_longer_than_the_longest_backoff(settings: Any) -> None:
    settings.BLOG_MAX_ATTEMPTS = 30
    generation = factories.processing_generation()
    generation.attempts = 20

    lifecycle.retry_later(generation, SLOW)

    assert 440 < seconds_until_run(generation) <= 750


def test_the_last_attempt_fails_and_its_credits_return(settings: Any) -> None:
    settings.BLOG_MAX_ATTEMPTS = 2
    site = factories.site(credits=100)
    worker = factories.WorkerFactory.create()
    lifecycle.retry_later(factories.processing_generation(site, worker), SLOW)
    make_due()
    queue.promote()
    (second,) = queue.claim(worker, 1)

    lifecycle.retry_later(second, SLOW)

    assert (row(second).status, row(second).attempts, row(second).error_code) == (Status.FAILED, 2, "timeout")
    assert credits_of(site) == (100, 0)
    assert history(second) == ["submitted", "started", "retrying", "started", "failed"]


# --- fail -------------------------------------------------------------------------------------------------------------


def test_a_failure_releases_the_credits_and_says_why() -> None:
    site = factories.site(credits=100)
    generation = factories.processing_generation(site)

    lifecycle.fail(generation, REFUSED)

    failed = row(generation)
    assert (failed.status, failed.error_code, failed.error_message) == (
        Status.FAILED,
        "content_refused",
        "It was refused.",
    )
    assert_has_no_lease(failed)
    assert credits_of(site) == (100, 0)
    assert last_event(generation).kind == "failed"


@pytest.mark.parametrize("end", [lifecycle.fail, lifecycle.retry_later], ids=["fail", "last attempt"])
def test_a_failure_after_the_draft_was_stored_is_done_with_a_warning(end: Any, settings: Any) -> None:
    settings.BLOG_MAX_ATTEMPTS = 1
    site = factories.site(credits=100)
    generation = with_stored_draft(site_=site, publish=True)

    end(generation, SLOW)

    assert row(generation).status == Status.DONE
    assert credits_of(site) == (75, 0)
    assert "warning" in history(generation)
    assert history(generation)[-1] == "done"


def test_a_day_of_deferrals_after_the_draft_was_stored_is_done_with_a_warning(settings: Any) -> None:
    generation = with_stored_draft(publish=True)
    put_off_since(generation, settings.BLOG_MAX_DEFERRAL_SECONDS + 1)

    lifecycle.defer(generation, limited())

    assert row(generation).status == Status.DONE
    assert "warning" in history(generation)


# --- note_draft_create ------------------------------------------------------------------------------------------------


def test_the_first_draft_create_is_noted_and_needs_no_sweep() -> None:
    generation = factories.processing_generation()

    lifecycle.note_draft_create(generation)

    assert row(generation).draft_create_started_at is not None
    assert row(generation).draft_sweep_at is None


def test_a_repeated_draft_create_is_swept_later() -> None:
    worker = factories.WorkerFactory.create()
    first = factories.processing_generation(worker=worker)
    lifecycle.note_draft_create(first)
    lifecycle.retry_later(first, SLOW)
    make_due()
    queue.promote()
    (second,) = queue.claim(worker, 1)

    lifecycle.note_draft_create(second)

    again = row(second)
    assert again.draft_sweep_at is not None
    assert again.draft_create_started_at is not None
    assert again.draft_sweep_at > again.draft_create_started_at
