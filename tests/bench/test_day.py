"""The simulated day: PostgreSQL believes its clock, its limits hold, and what it reports can be wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from blogs import queue
from blogs.models import BlogGeneration, Status
from blogs.queue import lifecycle
from tests.bench import day_run, day_traffic
from tests.bench.day_clock import Clock, seconds
from tests.bench.day_limits import LocalLines, Pace, SharedLimits
from tests.bench.day_loop import Loop
from tests.bench.day_report import jain, windows_over_limit
from tests.support.factories import WorkerFactory, pending_generation
from workers import limits
from workers.errors import RateLimited, TransientError
from workers.limits import Limit, limit_rows

pytestmark = pytest.mark.django_db
REPLICATE = Limit("replicate")


@pytest.fixture
def clock() -> Iterator[Clock]:
    """In the test's transaction, which takes it all back."""
    clock = Clock()
    clock.install()
    yield clock
    clock.uninstall()


# --- The clock --------------------------------------------------------------------------------------------------------


def test_postgresql_notes_simulated_times_in_every_column(clock: Clock) -> None:
    clock.now = 100
    pk = pending_generation().pk
    clock.now = 160.5
    queue.claim(WorkerFactory.create(), 1)

    blog = BlogGeneration.objects.get(pk=pk)
    event = blog.events.latest("id")

    assert [seconds(at) for at in (blog.created_at, blog.started_at, event.created_at)] == [100, 160.5, 160.5]  # type: ignore[arg-type]
    assert blog.lease_expires_at
    assert seconds(blog.lease_expires_at) == 180.5


def test_a_retry_is_due_when_the_simulated_time_has_come(clock: Clock) -> None:
    pending_generation()
    (blog,) = queue.claim(WorkerFactory.create(), 1)
    lifecycle.retry_later(blog, TransientError("timeout", "Too slow."))
    wait, _ = queue.look()
    assert wait
    assert wait > 1

    clock.now += wait - 0.1
    assert queue.promote() == 0
    clock.now += 0.2
    assert queue.promote() == 1


def test_the_clock_goes_back_to_the_real_one(clock: Clock) -> None:
    clock.uninstall()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() = pg_catalog.clock_timestamp() OR clock_timestamp() > '2026-03-03'")
        assert cursor.fetchone() == (True,)
    connection.execute_wrappers.append(clock._at_this_time)


# --- Lines in front of the limits -------------------------------------------------------------------------------------


def test_a_local_line_is_served_in_order_and_put_off_after_the_longest_wait(clock: Clock, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "replicate": {"requests": 10}}
    loop = Loop(clock)
    shared = SharedLimits(loop)
    lines = LocalLines(loop, shared, random.Random(1))
    started: list[tuple[int, float]] = []
    refused: list[tuple[int, float]] = []

    for number in range(14):
        lines.join(
            REPLICATE,
            0,
            lambda number=number: started.append((number, loop.now)),  # type: ignore[misc]
            lambda limited, number=number: refused.append((number, loop.now)),  # type: ignore[misc]
        )
    loop.run()

    assert [number for number, _ in started] == list(range(len(started)))
    assert [number for number, _ in started + refused] == list(range(14))
    pace = 60 / 9
    assert [at for _, at in started] == pytest.approx([pace * number for number in range(len(started))], abs=0.05)
    assert all(50 < at <= 60 for _, at in refused)
    assert len(refused) >= 3
    assert windows_over_limit(shared.grants) == 0


@pytest.mark.parametrize("limit", [Limit("openai", model="m"), Limit("wix", key="a-shop")])
def test_our_arithmetic_is_postgresqls(clock: Clock, settings: Any, limit: Limit) -> None:
    settings.RATE_LIMITS = {"openai": {"requests": 1_000, "tokens": 20_000}, "wix": {"requests": 20}}
    pace = Pace(limit)
    dice = random.Random(2)
    differences: list[float] = []
    grants = 0
    for _ in range(300):
        clock.now += dice.expovariate(1)
        tokens = dice.choice((500, 1_000, 4_000)) if limit.provider == "openai" else 0
        ahead, granted = limit_rows.ask(limit, tokens)
        start = pace.start(clock.now, tokens)
        differences += [clock.now + ahead - start, granted - (start <= clock.now + 2)]
        if granted:
            grants += 1
            pace.grant(start, tokens)

    assert differences == pytest.approx([0.0] * len(differences), abs=1e-3)
    assert 50 < grants < 250


# --- The day ----------------------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_day() -> None:
    day = day_traffic.requests(1, 0.1)

    assert day == day_traffic.requests(1, 0.1)
    assert day != day_traffic.requests(2, 0.1)
    assert [request.at for request in day] == sorted(request.at for request in day)


def test_the_bursts_have_the_sizes_they_should() -> None:
    day = day_traffic.requests(1)
    by_site = [sum(request.site == site for request in day) for site in range(len(day_traffic.MANY) + 1)]

    assert by_site == [*day_traffic.MANY, day_traffic.ONE]
    assert sum(day_traffic.MANY) == 5_000
    assert max(request.site for request in day) < day_traffic.SITES


def test_a_small_day_ends_with_every_blog_final_and_paid_once(settings: Any) -> None:
    # Tokens for about five blogs a minute: too few for all the seats, so that some of it is put off.
    settings.WORKS_IN_FLIGHT_HEADROOM = 20
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "openai": {"requests": 450, "tokens": 40_000}}

    result = day_run.run(2, scale=0.01)

    assert result["not_final"] == 0
    assert result["ledger_ok"]
    assert result["windows_over_limit"] == 0
    assert result["limiter_surprises"] == 0
    assert result["deferrals"] > 0
    finished = BlogGeneration.objects.filter(status__in=(Status.DONE, Status.FAILED, Status.CANCELLED))
    assert finished.count() == result["blogs"]
    assert result["done"] >= 0.95 * result["blogs"]


# --- The figures ------------------------------------------------------------------------------------------------------


def test_a_window_with_one_call_too_many_is_counted() -> None:
    within = [(number * 0.1334, 0) for number in range(450)]
    assert windows_over_limit({REPLICATE: within}) == 0
    assert windows_over_limit({REPLICATE: [*within, (60.0, 0)]}) == 0

    assert windows_over_limit({REPLICATE: [*within, (59.99, 0)]}) == 1


def test_a_window_with_too_many_tokens_is_counted() -> None:
    openai = Limit("openai", model="m")

    assert windows_over_limit({openai: [(0.0, 225_000), (59.0, 225_000), (60.0, 225_000)]}) == 0
    assert windows_over_limit({openai: [(0.0, 225_000), (59.0, 225_001), (60.0, 225_000)]}) == 2


def test_jains_index() -> None:
    assert jain([5, 5, 5, 5]) == 1
    assert jain([20, 0, 0, 0]) == 0.25
    assert jain([0, 0]) is None


def test_who_is_refused_at_the_head_is_told_when_to_come_back(clock: Clock) -> None:
    limits.block(REPLICATE, 300)
    loop = Loop(clock)
    refused: list[RateLimited] = []

    LocalLines(loop, SharedLimits(loop), random.Random(1)).join(REPLICATE, 0, lambda: None, refused.append)
    loop.run()

    assert [limited.retry_in for limited in refused] == pytest.approx([300], abs=0.01)
