"""Calls start evenly: no minute, wherever it begins, holds more than its limit."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.threads import PATIENCE_SECONDS, at_once
from tests.support.workers.pacing import OPENAI, most_in_a_minute, schedule, slow
from workers.context.process_memory import forget_everything
from workers.limits import acquire, limit_rows, reservations
from workers.models import RateLimit, RateLimitUsage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_limits")]
with_commits = pytest.mark.django_db(transaction=True)


def test_no_minute_holds_more_requests_than_the_limit_and_nearly_all_are_used(settings: Any) -> None:
    slow(settings, requests=100)

    starts = schedule(OPENAI, [0] * 250, settings)

    assert 96 <= most_in_a_minute(starts, [1] * 250) <= 100


def test_no_minute_holds_more_tokens_than_the_limit_in_a_mix_of_small_and_large(settings: Any) -> None:
    slow(settings, tokens=100_000)
    costs = [8_000, 500, 500] * 40

    starts = schedule(OPENAI, costs, settings)

    assert 80_000 <= most_in_a_minute(starts, costs) <= 100_000


def test_the_first_large_call_after_many_small_ones_fits_into_their_minute(settings: Any) -> None:
    slow(settings, tokens=100_000)
    costs = [500] * 250 + [30_000]

    starts = schedule(OPENAI, costs, settings)

    assert most_in_a_minute(starts, costs) <= 100_000


@given(costs=st.lists(st.sampled_from([0, 1, 300, 2_500, 8_000]), min_size=20, max_size=60))
@hypothesis_settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_requests_and_tokens_start_together_and_no_minute_holds_too_much_of_either(
    costs: list[int], settings: Any
) -> None:
    slow(settings, requests=30, tokens=40_000)
    RateLimit.objects.all().delete()
    forget_everything()
    costs = [8_000, *costs]

    starts = schedule(OPENAI, costs, settings)

    assert most_in_a_minute(starts, [1] * len(costs)) <= 30
    assert most_in_a_minute(starts, costs) <= 40_000


@pytest.mark.parametrize("limit", [45, 61, 90, 450, 600])
def test_no_second_holds_more_than_its_part_of_the_limit(settings: Any, limit: int) -> None:
    """Some providers enforce a minute's limit by the second."""
    slow(settings, requests=limit)

    starts = schedule(OPENAI, [0] * 40, settings)

    # A little less than a second, since a start is known only as well as its answer was fast.
    assert densest(starts, 0.95) <= math.ceil(limit / 60)


def test_a_free_limit_starts_at_once_and_saves_nothing_up(settings: Any) -> None:
    slow(settings, requests=600)
    acquire(OPENAI)
    RateLimit.objects.update(requests_tat="2000-01-01T00:00Z", tokens_tat="2000-01-01T00:00Z")

    starts = schedule(OPENAI, [0] * 5, settings)

    assert starts[4] == pytest.approx(4 * 60 / 593, abs=0.05)


def test_pacing_leaves_room_for_the_largest_call_so_far(settings: Any) -> None:
    slow(settings, tokens=60_000)
    acquire(OPENAI, tokens=30_000)
    assert RateLimit.objects.get().largest_tokens == 30_000

    starts = schedule(OPENAI, [500] * 3, settings)

    # Half of the limit is kept free for another such call, so 500 tokens take a second.
    assert starts[2] - starts[1] == pytest.approx(1.0, abs=0.05)


# --- Threads and processes --------------------------------------------------------------------------------------------

RATE = 6_000


def densest(starts: list[float], window: float) -> int:
    starts = sorted(starts)
    return max(sum(1 for start in starts if first <= start < first + window) for first in starts)


@with_commits
def test_many_threads_together_keep_the_pace(settings: Any) -> None:
    slow(settings, requests=RATE)

    def call() -> list[float]:
        return [(acquire(OPENAI), time.monotonic())[1] for _ in range(10)]

    starts = [start for started in at_once(*[call] * 6) for start in started]

    pace = (RATE - RATE // 100 - 1) / 60
    assert len(starts) == 60
    assert max(starts) - min(starts) >= 59 / pace - settings.RATE_LIMIT_LATE_SECONDS
    assert densest(starts, 0.2) <= pace * (0.2 + settings.RATE_LIMIT_LATE_SECONDS) + 1


_PROCESS = """
import json, sys, time
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from django.conf import settings
from workers.limits import Limit, acquire
settings.RATE_LIMITS = {"openai": {"requests": int(sys.argv[1]), "tokens": 10_000_000}}
def call(_):
    acquire(Limit("openai", model="m"), tokens=10)
    return time.monotonic()
with ThreadPoolExecutor(4) as threads:
    print(json.dumps(list(threads.map(call, range(60)))))
"""


@with_commits
def test_two_processes_share_one_pace(settings: Any, database_url: str) -> None:
    ours = {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(RATE)],
            env={**os.environ, **ours},
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in processes]

    starts = [start for answer in answers for start in json.loads(answer)]

    pace = (RATE - RATE // 100 - 1) / 60
    assert len(starts) == 120
    assert densest(starts, 0.2) <= pace * (0.2 + settings.RATE_LIMIT_LATE_SECONDS) + 1
    assert sum(RateLimitUsage.objects.values_list("requests", flat=True)) >= 120
    assert RateLimit.objects.count() == 1


@with_commits
def test_no_two_of_many_who_ask_at_the_same_time_get_the_same_place(settings: Any) -> None:
    slow(settings, requests=600)
    limit_rows.register(OPENAI)

    # Past the line in front of the limit, as different processes are.
    starts = sorted(start for got in at_once(*[lambda: places(5, settings)] * 6) for start in got)

    assert len(starts) == 30
    assert min(later - earlier for earlier, later in pairwise(starts)) > 0.5 * 60 / 593


def places(count: int, settings: Any) -> list[float]:
    settings.RATE_LIMIT_HORIZON_SECONDS = 1e6
    return [reservations.reserve(OPENAI, 0, give_up_at=float("inf")) for _ in range(count)]
