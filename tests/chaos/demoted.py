"""`make chaos SIZE=demoted`: the database takes no writes for twenty seconds, as after a failover that our sessions did not follow.

Meanwhile callers ask, and are told to come back. No new call to a provider begins, since none could be counted, nor its result
saved. Afterwards every blog is DONE once.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import Any

import psycopg2
import requests

from tests.chaos import outcome
from tests.support.shops import SHOPS
from tests.support.steady import Steady
from tests.support.world import World, running

_BLOGS, _WORKERS, _PER_SECOND = 120, 2, 8
_DEMOTED_SECONDS, _GIVE_UP_SECONDS = 20.0, 120.0
# By then a call has left that had its place in a limit already: RATE_LIMIT_HORIZON_SECONDS, and a moment to count it.
_HORIZON_SECONDS = 3.0


def run(patience: float) -> dict[str, Any]:
    settings = {**outcome.SETTINGS, "BLOG_WORKER_LEASE_SECONDS": "20"}
    with running("chaos-demoted", SHOPS, speed=outcome.SPEED, settings=settings) as world:
        outcome.submit(world, _BLOGS)
        for number in range(_WORKERS):
            world.fork_worker(f"worker-{number}", "--threads=10")
        outcome.wait_for(lambda: _calls(world)["draft_create"] > 5, seconds=30 * patience)
        meanwhile = _demoted(world)
        outcome.wait_for(outcome.all_ended, seconds=_GIVE_UP_SECONDS * patience)
        accepted = _BLOGS + meanwhile["answers"].get("201", 0)
        return {**outcome.counts(world, accepted), **meanwhile}


def broken(counted: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    kept = {
        **outcome.promises(counted),
        "whoever asks is told to come back": set(counted["answers"]) == {"503"},
        "and when": not counted["without_retry_after"],
        "no new call to a provider begins": not counted["provider_calls_begun"],
        "it happened in the middle of the work": counted["done_before"] < counted["blogs"] - 10,
    }
    return [promise for promise, is_kept in kept.items() if not is_kept]


def _demoted(world: World) -> dict[str, Any]:
    from blogs.models import BlogGeneration, Status

    numbers = itertools.count()

    def ask() -> requests.Response:
        number = next(numbers)
        body = {"sourceType": "keyword", "sourceId": f"in vain {number}", "length": "short"}
        return (
            world.submit(SHOPS[number % len(SHOPS)], body)
            if number % 2
            else requests.get(f"{world.url}/health", timeout=30)
        )

    done_before = BlogGeneration.objects.filter(status=Status.DONE).count()
    _takes_writes(world, False)
    began = time.monotonic()
    # What was begun before the server had told all its sessions.
    time.sleep(0.5)
    with Steady(ask, _PER_SECOND) as steady:
        time.sleep(_HORIZON_SECONDS - 0.5)
        before = _calls(world)
        time.sleep(began + _DEMOTED_SECONDS - time.monotonic())
    begun = _calls(world) - before
    _takes_writes(world, True)
    return {
        "done_before": done_before,
        "answers": dict(steady.answers),
        "without_retry_after": steady.without_retry_after,
        "slow_requests": steady.slow,
        "provider_calls_begun": begun.total(),
        "begun": dict(begun),
        "demoted_s": _DEMOTED_SECONDS,
    }


def _calls(world: World) -> Counter[str]:
    """Return the requests that all stand-ins were sent so far, by what they asked."""
    stats = world.sandbox.stats()
    return sum((Counter(stats[provider]["byOperation"]) for provider in ("openai", "replicate", "wix")), Counter())


def _takes_writes(world: World, does: bool) -> None:
    """Change it for all sessions, also those that are open: from their next transaction on."""
    connection = psycopg2.connect(world.database.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        how = "RESET default_transaction_read_only" if does else "SET default_transaction_read_only = on"
        cursor.execute(f"ALTER SYSTEM {how}")
        cursor.execute("SELECT pg_reload_conf()")
    connection.close()
