"""What providers answer changes the pace of everybody. Time passes by moving the row's times into the past."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.workers.learning import apart, hear, hear_later, in_force, seconds_later, share
from tests.support.workers.pacing import ON_TIME, OPENAI, most_in_a_minute, schedule, slow
from workers import limits
from workers.context.process_memory import forget_everything
from workers.errors import RateLimited, TooFast
from workers.limits import Named, acquire, block, learning, limit_rows, snapshot
from workers.models import RateLimit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_limits")]
with_commits = pytest.mark.django_db(transaction=True)


def test_a_lower_limit_is_obeyed_at_once_and_let_go_when_the_provider_names_the_old_one_again(settings: Any) -> None:
    slow(settings, requests=600, tokens=60_000)
    hear(300, 30_000)
    assert in_force() == (300, 30_000)
    assert apart(settings) == pytest.approx(60 / 296, rel=0.001)

    hear_later(600, 60_000)

    assert in_force() == (600, 60_000)


@pytest.mark.parametrize(
    ("follow", "named", "expected"),
    [
        ("off", 300, 600),
        ("off", 900, 600),
        ("lower", 300, 300),
        ("lower", 900, 600),
        ("both", 300, 300),
        ("both", 900, 900),
    ],
)
def test_how_far_the_provider_is_followed_is_a_setting(settings: Any, follow: str, named: int, expected: int) -> None:
    slow(settings, requests=600)
    settings.RATE_LIMIT_FOLLOW_PROVIDER = follow

    hear(named)

    assert in_force()[0] == expected
    assert apart(settings) == pytest.approx(60 / (expected - expected // 100 - 1), rel=0.001)


def test_one_that_is_named_for_a_limit_we_do_not_have_changes_nothing(settings: Any) -> None:
    slow(settings)

    hear(None, 5_000)

    assert in_force() == (60_000, None)


def test_what_is_said_no_more_is_forgotten(settings: Any) -> None:
    slow(settings, requests=600)
    hear(300)
    seconds_later(settings.RATE_LIMIT_FOLLOW_SECONDS - 30)
    assert in_force()[0] == 300

    seconds_later(60)

    assert in_force()[0] == 600


def test_no_minute_after_a_lowered_limit_holds_more_than_it(settings: Any) -> None:
    slow(settings, requests=60_000, tokens=100_000)
    acquire(OPENAI, tokens=8_000)
    hear(100, 40_000)
    costs = [8_000, 500, 500] * 20

    starts = schedule(OPENAI, costs, settings)

    assert most_in_a_minute(starts, costs) <= 40_000
    assert most_in_a_minute(starts, [1] * len(costs)) <= 100


def test_after_a_raised_limit_no_call_waits_by_the_old_pace(settings: Any) -> None:
    slow(settings, tokens=600_000)
    hear(None, 1_000)
    acquire(OPENAI, tokens=1_000)
    assert snapshot("openai")[0]["next_free_in_seconds"] > 600

    forget_everything()
    hear(None, 600_000)

    assert snapshot("openai")[0]["next_free_in_seconds"] <= 2


def test_a_higher_limit_that_is_not_followed_brings_nothing_nearer(settings: Any) -> None:
    slow(settings, tokens=1_000)
    hear(None, 1_000)
    acquire(OPENAI, tokens=1_000)

    forget_everything()
    hear(None, 2_000)

    assert snapshot("openai")[0]["next_free_in_seconds"] > 600


def test_a_call_larger_than_the_lowered_limit_is_put_off_and_harms_no_other(settings: Any) -> None:
    slow(settings, tokens=100_000)
    acquire(OPENAI, tokens=50_000)
    hear(None, 40_000)
    before = RateLimit.objects.get().tokens_tat
    seconds_later(120)

    with pytest.raises(RateLimited) as put_off:
        acquire(OPENAI, tokens=50_000)

    assert put_off.value.retry_in == 60
    assert RateLimit.objects.get().tokens_tat < before
    assert apart(settings, tokens=1_000) == pytest.approx(60 * 1_000 / (40_000 * ON_TIME - 1_000), rel=0.001)


def test_a_lower_limit_explains_the_refusals_so_no_share_is_taken_from_it() -> None:
    block(OPENAI, 0, TooFast.RATE)

    hear(30_000)
    block(OPENAI, 0, TooFast.RATE)

    assert share() == 1


def test_what_is_known_costs_no_statement(settings: Any) -> None:
    hear(300, 30_000, requests_remaining=10)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        hear(300, 30_000, requests_remaining=9)
        hear(None, 30_000)
        learning.note(OPENAI, Named(), began=time.monotonic())
        learning.note(OPENAI, None, began=time.monotonic())

    assert len(queries) == 0


def test_what_is_left_and_that_it_still_holds_is_written_down_now_and_then() -> None:
    hear(300, 30_000, requests_remaining=10, tokens_remaining=5)
    seconds_later(60)
    before = RateLimit.objects.get().provider_requests_seen_at

    hear(300, 30_000, requests_remaining=9, confirm_seconds=0)

    limit = RateLimit.objects.get()
    assert (limit.provider_requests_remaining, limit.provider_tokens_remaining) == (9, 5)
    assert before
    assert limit.provider_requests_seen_at
    assert limit.provider_requests_seen_at > before


def test_an_answer_under_the_limit_of_before_does_not_bring_it_back() -> None:
    limits.register(OPENAI)
    hear(300)

    hear(60_000, seconds_ago=10)
    forget_everything()  # as another process, which has not heard of the change
    hear(60_000, seconds_ago=10)

    assert in_force()[0] == 300


def test_what_another_process_wrote_is_corrected_within_seconds() -> None:
    hear(600)
    seconds_later(60)
    limit_rows.learn(OPENAI, Named(requests_per_minute=300), age=0)
    seconds_later(60)
    hear(600)
    assert in_force()[0] == 300

    hear(600, confirm_seconds=0)

    assert in_force()[0] == 600


def test_a_change_is_logged_once(caplog: Any) -> None:
    caplog.set_level(logging.WARNING, "workers.limits.learning")
    hear(300)
    forget_everything()
    hear(300)

    assert [record.requests_per_minute for record in caplog.records] == [300]


@with_commits
def test_a_row_that_was_pruned_is_no_trouble() -> None:
    acquire(OPENAI)
    RateLimit.objects.all().delete()

    hear(300)
    acquire(OPENAI)
    hear(300)

    assert in_force()[0] == 300
