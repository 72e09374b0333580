"""What providers answer changes the pace of everybody. Time passes by moving the row's times into the past."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.threads import PATIENCE_SECONDS, in_background, wait_until
from tests.support.workers.pacing import ON_TIME, OPENAI, most_in_a_minute, schedule, slow
from workers import limits
from workers.errors import RateLimited, TooFast
from workers.limits import Named, acquire, block, learning, snapshot
from workers.models import RateLimit, RateLimitUsage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_limits")]
with_commits = pytest.mark.django_db(transaction=True)

_TIMES = [
    "blocked_until",
    "lowered_at",
    "full_pace_at",
    "provider_changed_at",
    "provider_requests_seen_at",
    "provider_tokens_seen_at",
    "requests_tat",
    "tokens_tat",
]


def seconds_later(seconds: float) -> None:
    moved = ", ".join(f"{name} = {name} - {seconds} * interval '1 second'" for name in _TIMES)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE workers_ratelimit SET {moved}")


def apart(settings: Any, *, tokens: int = 0) -> float:
    """Seconds from one place to the next, by the row: however slow this machine is, it is never late for them."""
    settings.RATE_LIMIT_HORIZON_SECONDS = 1e6
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workers_ratelimit SET requests_tat = clock_timestamp() + interval '1 hour', "
            "tokens_tat = clock_timestamp() + interval '1 hour'"
        )
    arrivals = []
    for _ in range(3):
        limits.ask(OPENAI, tokens)
        limit = RateLimit.objects.get()
        arrivals.append(max(limit.requests_tat, limit.tokens_tat))
    return (arrivals[2] - arrivals[1]).total_seconds()


def share() -> float:
    return float(snapshot("openai")[0]["pace_share"])


def in_force() -> tuple[int, int | None]:
    (seen,) = snapshot("openai")
    return seen["requests_per_minute"], seen["tokens_per_minute"]


def hear(requests: int | None = None, tokens: int | None = None, *, seconds_ago: float = 0.0, **left: int) -> None:
    learning.note(OPENAI, Named(requests, tokens, **left), began=time.monotonic() - seconds_ago)


def hear_later(requests: int | None = None, tokens: int | None = None) -> None:
    """By a call that began after all that is known."""
    seconds_later(60)
    learning.forget()
    hear(requests, tokens)


# --- Slower after a refusal, and back again ---------------------------------------------------------------------------


def test_a_refusal_lowers_the_pace_of_all(settings: Any) -> None:
    slow(settings, requests=600)
    settings.RATE_LIMIT_RECOVERY_SECONDS = 1e9
    block(OPENAI, 0, TooFast.RATE)

    assert apart(settings) == pytest.approx(60 / 593 / 0.8, rel=0.001)


def test_the_pace_for_tokens_is_lowered_as_well(settings: Any) -> None:
    slow(settings, tokens=60_000)
    settings.RATE_LIMIT_RECOVERY_SECONDS = 1e9
    acquire(OPENAI, tokens=6_000)
    block(OPENAI, 0, TooFast.RATE)

    assert apart(settings, tokens=900) == pytest.approx(60 * 900 / (60_000 * ON_TIME - 6_000) / 0.8, rel=0.001)


def test_a_block_for_another_reason_lowers_nothing() -> None:
    block(OPENAI, 0)

    assert share() == 1


def test_the_refusals_of_one_overload_lower_the_pace_once() -> None:
    for _ in range(5):
        block(OPENAI, 0, TooFast.RATE)

    assert share() == pytest.approx(0.8, abs=0.01)
    assert RateLimit.objects.get().rejections == 5


def test_refusals_that_go_on_lower_it_further_and_never_below_the_floor(settings: Any) -> None:
    block(OPENAI, 0, TooFast.RATE)
    seconds_later(6)
    before = share()

    block(OPENAI, 0, TooFast.RATE)

    assert share() == pytest.approx(before * 0.8, abs=0.01)
    settings.RATE_LIMIT_RECOVERY_SECONDS = 1e9
    for _ in range(10):
        seconds_later(6)
        block(OPENAI, 0, TooFast.RATE)
    assert share() == pytest.approx(settings.RATE_LIMIT_LOWER_FLOOR, abs=0.01)


def test_the_pace_rises_from_the_end_of_the_block_on() -> None:
    block(OPENAI, 30, TooFast.RATE)
    shares = [share()]
    for _ in range(3):
        seconds_later(20)
        shares.append(share())

    assert shares == pytest.approx([0.8, 0.8, 0.8**0.5, 1.0], abs=0.01)


def test_a_minute_of_random_refusals_is_forgotten_half_a_minute_after_it() -> None:
    for _ in range(22):  # 5 % of 450 calls
        block(OPENAI, 0.5, TooFast.RATE)
        seconds_later(60 / 22)
    during = share()

    seconds_later(20)

    assert during > 0.5
    assert share() == 1


def test_after_slow_down_the_pace_rises_by_no_more_than_half_in_fifteen_minutes(settings: Any) -> None:
    settings.RATE_LIMIT_LOWER_FACTOR = 0.4
    block(OPENAI, 0, TooFast.RAMP)
    lowered = share()
    seconds_later(900)
    later = share()
    seconds_later(1_200)

    assert [lowered, later] == pytest.approx([0.4, 0.6], abs=0.01)
    assert share() == 1


def test_a_refusal_of_another_kind_does_not_hurry_what_rises_slowly() -> None:
    block(OPENAI, 0, TooFast.RAMP)
    seconds_later(10)
    block(OPENAI, 0, TooFast.RATE)
    seconds_later(60)

    assert share() < 0.75


@with_commits
def test_who_holds_a_place_and_hears_of_a_block_does_not_start(settings: Any) -> None:
    block(OPENAI, 0.3)  # so the place is a moment away
    began = time.monotonic()
    held = in_background(lambda: acquire(OPENAI))
    wait_until(lambda: RateLimitUsage.objects.filter(requests=1).exists())

    block(OPENAI, 1)

    held.join(PATIENCE_SECONDS)
    assert time.monotonic() - began >= 0.99


# --- Following the provider's limit -----------------------------------------------------------------------------------


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


def test_what_nobody_says_any_more_is_forgotten(settings: Any) -> None:
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


def test_after_a_raised_limit_nobody_waits_by_the_old_pace(settings: Any) -> None:
    slow(settings, tokens=600_000)
    hear(None, 1_000)
    acquire(OPENAI, tokens=1_000)
    assert snapshot("openai")[0]["next_free_in_seconds"] > 600

    learning.forget()
    hear(None, 600_000)

    assert snapshot("openai")[0]["next_free_in_seconds"] <= 2


def test_a_higher_limit_that_is_not_followed_brings_nothing_nearer(settings: Any) -> None:
    slow(settings, tokens=1_000)
    hear(None, 1_000)
    acquire(OPENAI, tokens=1_000)

    learning.forget()
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


# --- What is said again, too late, or to another process --------------------------------------------------------------


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


def test_what_is_left_and_that_it_still_holds_is_written_down_now_and_then(monkeypatch: Any) -> None:
    hear(300, 30_000, requests_remaining=10, tokens_remaining=5)
    seconds_later(60)
    before = RateLimit.objects.get().provider_requests_seen_at
    monkeypatch.setattr(learning, "_CONFIRM_SECONDS", 0)

    hear(300, 30_000, requests_remaining=9)

    limit = RateLimit.objects.get()
    assert (limit.provider_requests_remaining, limit.provider_tokens_remaining) == (9, 5)
    assert before
    assert limit.provider_requests_seen_at
    assert limit.provider_requests_seen_at > before


def test_an_answer_under_the_limit_of_before_does_not_bring_it_back() -> None:
    limits.register(OPENAI)
    hear(300)

    hear(60_000, seconds_ago=10)
    learning.forget()  # as another process, which has not heard of the change
    hear(60_000, seconds_ago=10)

    assert in_force()[0] == 300


def test_what_another_process_wrote_is_corrected_within_seconds(monkeypatch: Any) -> None:
    hear(600)
    seconds_later(60)
    limits.learn(OPENAI, Named(requests_per_minute=300), age=0)
    seconds_later(60)
    hear(600)
    assert in_force()[0] == 300

    monkeypatch.setattr(learning, "_CONFIRM_SECONDS", 0)
    hear(600)

    assert in_force()[0] == 600


def test_a_change_is_logged_once(caplog: Any) -> None:
    caplog.set_level(logging.WARNING, "workers.limits.learning")
    hear(300)
    learning.forget()
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
