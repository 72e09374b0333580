from __future__ import annotations

from typing import Any

import pytest

from workers import limits, metrics
from workers.limits import Limit, limit_rows
from workers.models import RateLimit
from workers.pool.pace import Crew, Pace

TOKENS, REQUESTS = ("openai", "tokens"), ("openai", "requests")


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.WORKS_IN_FLIGHT_HEADROOM = 1.2
    settings.RATE_LIMITS = {"openai": {"requests": 450, "tokens": 450_000}}


def test_the_limit_that_is_reached_first_decides() -> None:
    # 88 works a minute by tokens, 225 by requests; of 60 seconds each.
    pace = Pace(60.0, {TOKENS: 5_100.0, REQUESTS: 2.0})

    assert pace.in_flight() == pytest.approx(1.2 * 450_000 / 5_100)


def test_it_comes_to_what_works_really_take() -> None:
    pace = Pace(60.0, {TOKENS: 5_100.0})

    for _ in range(500):
        metrics.count(metrics.RESERVED, *TOKENS, by=10 * 2_550)  # in five seconds ten works began …
        pace.beat(at_work=40, seconds=5.0)  # … of twenty seconds each

    assert pace.in_flight() == pytest.approx(1.2 * 20 * 450_000 / 60 / 2_550, rel=0.02)


def test_a_night_without_work_and_an_outage_teach_nothing() -> None:
    pace, before = Pace(60.0, {TOKENS: 5_100.0}), Pace(60.0, {TOKENS: 5_100.0}).in_flight()

    for _ in range(10_000):
        pace.beat(at_work=0, seconds=5.0)

    assert pace.in_flight() == before


@pytest.mark.django_db(transaction=True)
def test_tokens_that_come_back_are_not_used(settings: Any) -> None:
    settings.RATE_LIMIT_TOKEN_REFUND = 1.0
    settings.RATE_LIMITS = {"openai": {"requests": 45_000, "tokens": 45_000_000}}
    limit = Limit("openai")
    pace = Pace(60.0, {TOKENS: 2_500.0})

    for _ in range(60):
        limits.settle(limits.acquire(limit, tokens=5_000), 2_500)
        pace.beat(at_work=1, seconds=60.0)

    assert pace.use[TOKENS] / pace.seconds == pytest.approx(2_500 / 60)


@pytest.mark.django_db(transaction=True)
def test_it_goes_by_the_limit_that_all_share_now(settings: Any) -> None:
    limit = Limit("openai")
    limit_rows.ask(limit, tokens=10)
    pace = Pace(60.0, {TOKENS: 5_100.0})
    before = pace.in_flight()

    RateLimit.objects.update(tokens_per_minute=225_000)
    limit_rows.ask(limit, tokens=10)

    assert pace.in_flight() == pytest.approx(before / 2)


@pytest.mark.parametrize(
    ("crew", "seats"),
    [
        (Crew(0, 50, 0, 0), 50),
        (Crew(0, 50, 50, 0), 50),
        (Crew(0, 50, 200, 0), 21),
        (Crew(0, 50, 50, 50), 27),
        (Crew(0, 50, 100_000, 0), 1),
    ],
)
def test_each_worker_takes_its_share_by_its_threads(crew: Crew, seats: int) -> None:
    assert Pace(60.0, {TOKENS: 5_100.0}).seats(crew) == seats  # 105.9 of all workers


@pytest.mark.parametrize("workers", [3, 7, 20, 100])
def test_all_shares_together_are_what_is_worth_having_in_flight(workers: int) -> None:
    pace = Pace(60.0, {TOKENS: 5_100.0})
    crews = [Crew(50 * number, 50, 50 * (workers - number - 1), 0) for number in range(workers)]

    assert sum(pace.seats(crew) for crew in crews) == 105


def test_where_no_limit_is_used_every_seat_is_filled() -> None:
    assert Pace(60.0, {}).seats(Crew(0, 50, 5_000, 0)) == 50
