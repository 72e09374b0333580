"""A refusal slows down everybody, and the pace comes back. Time passes by moving the row's times into the past."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.threads import PATIENCE_SECONDS, in_background, wait_until
from tests.support.workers.learning import apart, seconds_later, share
from tests.support.workers.pacing import ON_TIME, OPENAI, slow
from workers.errors import TooFast
from workers.limits import acquire, block
from workers.models import RateLimit, RateLimitUsage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_limits")]
with_commits = pytest.mark.django_db(transaction=True)


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
