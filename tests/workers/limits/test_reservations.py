"""The shared limits, on a real PostgreSQL. Rates are high, so that places are milliseconds apart."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest
from django.db import connection

from tests.support.threads import PATIENCE_SECONDS, at_once, in_background, wait_until
from tests.support.workers.pacing import ON_TIME, OPENAI, REPLICATE, slow
from workers.context.process_memory import forget_everything
from workers.errors import PermanentError, RateLimited
from workers.limits import Limit, acquire, block, limit_rows, reservations, settle, snapshot
from workers.models import RateLimit, RateLimitUsage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_limits")]
with_commits = pytest.mark.django_db(transaction=True)


# --- The horizon, and those who come too late -------------------------------------------------------------------------


@with_commits
def test_no_call_reserves_further_ahead_than_the_horizon(settings: Any) -> None:
    slow(settings, requests=600)
    settings.RATE_LIMIT_HORIZON_SECONDS = 0.2
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 0.25
    refused: list[float] = []

    def call() -> None:
        try:
            acquire(OPENAI)
        except RateLimited as limited:
            refused.append(limited.retry_in)

    at_once(*[call] * 12)

    assert refused
    assert snapshot("openai")[0]["next_free_in_seconds"] <= 0.2 + 60 / 593 + 0.01
    assert snapshot("openai")[0]["requests_used"] + len(refused) == 12


@with_commits
def test_who_comes_too_late_for_the_place_reserves_another(settings: Any) -> None:
    slow(settings, requests=6_000)
    settings.RATE_LIMIT_LATE_SECONDS = -1  # even who is in time is too late
    acquired = threading.Event()

    def call() -> None:
        acquire(OPENAI)
        acquired.set()

    late = in_background(call)
    wait_until(lambda: sum(RateLimitUsage.objects.values_list("requests", flat=True)) >= 3)
    assert not acquired.is_set()
    settings.RATE_LIMIT_LATE_SECONDS = 5

    assert acquired.wait(PATIENCE_SECONDS)
    late.join(PATIENCE_SECONDS)


def test_who_would_have_to_wait_too_long_is_told_at_once(settings: Any) -> None:
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 5
    block(REPLICATE, 40)
    began = time.monotonic()

    with pytest.raises(RateLimited) as limited:
        acquire(REPLICATE)

    assert 35 < limited.value.retry_in <= 40
    assert time.monotonic() - began < 2


@with_commits
def test_who_stands_too_long_behind_others_is_put_off(settings: Any) -> None:
    settings.RATE_LIMIT_HORIZON_SECONDS = 0
    block(REPLICATE, 0.5)
    head = in_background(lambda: acquire(REPLICATE))
    wait_until(lambda: reservations.waiting() == {"replicate": 1})
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 0.05

    with pytest.raises(RateLimited, match="Too many calls are waiting"):
        acquire(REPLICATE)

    head.join(PATIENCE_SECONDS)
    assert reservations.waiting() == {}


@with_commits
def test_the_line_in_a_process_is_first_come_first_served(settings: Any) -> None:
    settings.RATE_LIMIT_HORIZON_SECONDS = 0
    slow(settings, requests=3_000)
    block(OPENAI, 0.5)
    order: list[int] = []

    def waiting_are(count: int) -> bool:
        return reservations.waiting() == {"openai:m": count}

    def call(number: int) -> None:
        acquire(OPENAI)
        order.append(number)

    callers = []
    for number in range(6):
        callers.append(in_background(partial(call, number)))
        wait_until(partial(waiting_are, number + 1))
    for caller in callers:
        caller.join(PATIENCE_SECONDS)

    assert order == list(range(6))


# --- Too large, blocked, lowered --------------------------------------------------------------------------------------


def test_a_call_that_can_never_fit_is_refused_at_once_and_reserves_nothing(settings: Any) -> None:
    slow(settings, tokens=1_000)

    with pytest.raises(PermanentError) as refused:
        acquire(OPENAI, tokens=1_001)

    assert refused.value.code == "request_too_large"
    assert not RateLimitUsage.objects.exists()


def test_a_call_of_exactly_the_limit_is_let_through(settings: Any) -> None:
    slow(settings, tokens=1_000)

    assert acquire(OPENAI, tokens=1_000).tokens == 1_000


@with_commits
def test_a_block_stops_everybody_until_it_ends() -> None:
    block(REPLICATE, 0.3)
    began = time.monotonic()

    at_once(*[lambda: acquire(REPLICATE)] * 4)

    assert time.monotonic() - began >= 0.29


def test_a_shorter_block_does_not_end_a_longer_one() -> None:
    block(REPLICATE, 60)
    until = RateLimit.objects.get().blocked_until
    block(REPLICATE, 1)

    assert RateLimit.objects.get().blocked_until == until
    assert RateLimit.objects.get().rejections == 2


def test_one_limit_does_not_disturb_another() -> None:
    block(OPENAI, 60)
    block(Limit("wix", key="one site"), 60)

    assert acquire(REPLICATE).waited < 1
    assert acquire(Limit("openai", model="another")).waited < 1
    assert acquire(Limit("wix", key="another site")).waited < 1


def test_changed_settings_reach_the_row_when_a_process_starts(settings: Any) -> None:
    limit_rows.register(OPENAI)
    slow(settings, requests=30, tokens=500)
    forget_everything()

    limit_rows.register(OPENAI)

    assert (RateLimit.objects.get().requests_per_minute, RateLimit.objects.get().tokens_per_minute) == (30, 500)


@with_commits
def test_pruning_forgets_old_usage_and_the_limits_of_sites_that_have_not_been_used_since() -> None:
    of_site, of_other = Limit("wix", key="a"), Limit("wix", key="b")
    for limit in (OPENAI, of_site, of_other):
        acquire(limit)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workers_ratelimitusage SET started_at = started_at - interval '25 hours'")
        cursor.execute("UPDATE workers_ratelimit SET used_at = used_at - interval '49 hours' WHERE key <> 'b'")
    acquire(of_other)

    limit_rows.prune()
    limit_rows.prune()  # a limit goes once its usage has gone

    assert set(RateLimit.objects.values_list("provider", "key")) == {("openai", ""), ("wix", "b")}
    assert set(RateLimitUsage.objects.values_list("limit__key", flat=True)) == {"b"}


@with_commits
def test_a_row_that_was_pruned_is_made_again() -> None:
    acquire(OPENAI)
    RateLimit.objects.all().delete()

    acquire(OPENAI)

    assert RateLimit.objects.count() == 1


@with_commits
def test_a_row_that_was_pruned_during_a_call_does_not_lose_its_answer() -> None:
    reservation = acquire(OPENAI, tokens=10)
    RateLimit.objects.all().delete()

    settle(reservation, 5)

    assert snapshot("openai") == [] or snapshot("openai")[0]["tokens_used"] in (0, 5)


@with_commits
def test_a_row_that_was_pruned_can_still_be_blocked() -> None:
    acquire(OPENAI)
    RateLimit.objects.all().delete()

    block(OPENAI, 60)

    assert snapshot("openai")[0]["blocked_until"] is not None


# --- What people see --------------------------------------------------------------------------------------------------


def test_the_snapshot_shows_requests_reserved_tokens_used_tokens_and_rejections() -> None:
    for tokens in (100, 300):
        settle(acquire(OPENAI, tokens=tokens), tokens // 2)
    block(OPENAI, 0)
    # A place of the near future is not used yet.
    wait_until(lambda: snapshot("openai")[0]["requests_used"] == 2)

    (seen,) = snapshot("openai")

    assert (seen["tokens_reserved"], seen["tokens_used"], seen["rejections"]) == (400, 200, 1)
    assert (seen["requests_per_minute"], seen["tokens_per_minute"]) == (60_000, 6_000_000)
    assert seen["blocked_until"] is None
    assert seen["last_rejection_at"] is not None


def test_the_snapshot_forgets_what_is_older_than_a_minute() -> None:
    acquire(OPENAI)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workers_ratelimitusage SET started_at = started_at - interval '70 seconds'")

    assert snapshot("openai")[0]["requests_used"] == 0


def test_sites_own_limits_are_not_in_the_snapshot() -> None:
    acquire(Limit("wix", key="a site"))

    assert snapshot("wix") == []


def test_usage_is_kept_in_steps_of_five_seconds() -> None:
    acquire(OPENAI, tokens=7)

    step = RateLimitUsage.objects.get()

    assert (step.requests, step.tokens) == (1, 7)
    assert (step.started_at.second % 5, step.started_at.microsecond) == (0, 0)


@pytest.mark.parametrize("refund", [0, 0.5, 1])
def test_settling_gives_back_as_much_of_the_unused_tokens_as_configured(settings: Any, refund: float) -> None:
    slow(settings, tokens=10_000)
    settings.RATE_LIMIT_TOKEN_REFUND = refund
    reservation = acquire(OPENAI, tokens=1_000)
    before = RateLimit.objects.get().tokens_tat

    settle(reservation, 400)

    given_back = before - RateLimit.objects.get().tokens_tat
    assert given_back.total_seconds() == pytest.approx(refund * 60 * 600 / (10_000 * ON_TIME - 1_000), abs=0.01)


def test_a_place_whose_answer_came_too_late_is_not_taken() -> None:
    with pytest.raises(RateLimited):
        reservations.reserve(OPENAI, 0, give_up_at=time.monotonic() + 0.2, stale_seconds=-1.0)
