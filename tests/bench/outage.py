"""A provider that refuses, fails and comes back while blogs of many shops go through: `make bench NAME=outage`.

The whole product in processes of its own, as fast as in production, with more blogs than OpenAI's tokens allow: a while in
which it answers 429 to a random 5 %, 60 s in which it answers 429 to everything, a while of peace, 60 s in which it answers 500 to
everything, and peace again. All the time it answers 500 to one poison blog.

- `failed`, `attempts_spent`: of all blogs but the poison, FAILED ones, and attempts that ended for another reason than an answer
  which was cut at its maximum: 0, both.
- `poison`: how it ended; `poison_attempts`.
- `back_s`: after each outage, seconds until ten seconds in which 90 % of the limit are reserved begin: at most 30.
- `reserved_share`: of the limit, in the part with 5 % of 429s; refused calls included.
- `done_while_down`: blogs finished from 10 s after OpenAI went down on, which needed only Replicate or Wix by then.
- `opened`: how often a breaker opened; `deferrals`: how often a blog was put off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.shops import Shop
from tests.support.world import World, running

_SHOPS, _BLOGS, _WORKERS = 30, 600, 3
_UNTIL_STEADY, _REFUSING_SOME, _REFUSING_ALL, _PEACE, _DOWN = 40, 30, 60, 40, 60
# Asleep for most of 300 s; the rest is starting and stopping, on a busy machine.
_LONGEST_SECONDS = 420
_POISON = "the poison topic"
_SETTINGS = {
    "DEBUG": "false",
    "LOG_LEVEL": "WARNING",
    "BLOG_BACKOFF_SECONDS": "1",
}
_PROJECT = Path(__file__).resolve().parent.parent.parent


def measure() -> dict[str, Any]:
    # Django is set up for one database a process, and `tests.support.world` starts its own.
    command = [sys.executable, "-m", "tests.bench.outage"]
    finished = subprocess.run(
        command, cwd=_PROJECT, env=os.environ, stdout=subprocess.PIPE, text=True, check=True, timeout=_LONGEST_SECONDS
    )
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    wrong = [name for name in ("failed", "attempts_spent") if found[name]]
    late = [seconds for seconds in found["back_s"] if seconds is None or seconds > 30]
    assert not wrong, found
    assert not late, found
    assert found["done_while_down"], found
    return found


def _run() -> dict[str, Any]:
    shops = [Shop(f"Shop {n}", "V3_CATALOG", (("Wool Scarf", "Knitted."),), (), 0) for n in range(_SHOPS)]
    with running("bench-outage", shops, speed=1, workload="short", settings=_SETTINGS) as world:
        _submit()
        _only(world, ("429", 0.05))
        for number in range(_WORKERS):
            world.fork_worker(f"worker-{number}")
        time.sleep(_UNTIL_STEADY)
        steady_at = _now()
        time.sleep(_REFUSING_SOME)
        reserved_share = _reserved_share(steady_at, _REFUSING_SOME)
        _only(world, ("429", 1.0))
        time.sleep(_REFUSING_ALL)
        _only(world)
        back = [_seconds_until_back(_now())]
        _only(world, ("500", 1.0))
        time.sleep(10)
        finished = _done()
        time.sleep(_DOWN - 10)
        finished = _done() - finished
        _only(world)
        back.append(_seconds_until_back(_now()))
        opened = world.log.read_text().count("action=breaker_open")
        return {
            **_counts(),
            "back_s": back,
            "reserved_share": reserved_share,
            "done_while_down": finished,
            "opened": opened,
            "rejected": world.sandbox.stats()["openai"]["rejected"],
        }


def _submit() -> None:
    from blogs.queue import submitting
    from tests.support import factories
    from wix.models import Site

    sites = list(Site.objects.order_by("id"))
    for number in range(_BLOGS):
        topic = _POISON if number == 0 else f"topic {number}"
        submitting.submit(site=sites[number % _SHOPS], request=factories.blog_request(topic, length="short"))


def _only(world: World, *faults: tuple[str, float]) -> None:
    """From now on OpenAI has these, and the poison."""
    world.sandbox.clear_faults()
    world.sandbox.fault("openai", "500", match=_POISON, times=None)
    for kind, probability in faults:
        world.sandbox.fault("openai", kind, times=None, probability=probability)


def _now() -> datetime:
    from workers.database.clock import ClockTimestamp
    from workers.models import Breaker

    return Breaker.objects.annotate(now=ClockTimestamp()).values_list("now", flat=True)[0]


def _seconds_until_back(since: datetime) -> float | None:
    """Looks at what was reserved once the time for it is over; None: not within it."""
    time.sleep(_PEACE + 10)
    for seconds in range(0, _PEACE + 1, 5):
        if _reserved_share(since, 10, skip=seconds) >= 0.9:
            return seconds
    return None


def _reserved_share(since: datetime, seconds: int, skip: int = 0) -> float:
    from datetime import timedelta

    from django.conf import settings
    from django.db.models import Sum

    from workers.models import RateLimitUsage

    # Usage is noted in steps of five seconds.
    begin = since + timedelta(seconds=skip)
    buckets = RateLimitUsage.objects.filter(limit__provider="openai", started_at__gte=begin)
    within = buckets.filter(started_at__lt=begin + timedelta(seconds=seconds))
    tokens = within.aggregate(sum=Sum("tokens"))["sum"] or 0
    return round(tokens / (settings.RATE_LIMITS["openai"]["tokens"] / 60 * seconds), 3)


def _done() -> int:
    from blogs.models import BlogGeneration, Status

    return BlogGeneration.objects.filter(status=Status.DONE).count()


def _counts() -> dict[str, Any]:
    from blogs.models import BlogGeneration, GenerationEvent, Status

    poison = BlogGeneration.objects.get(source_id=_POISON)
    others = BlogGeneration.objects.exclude(pk=poison.pk)
    spent = GenerationEvent.objects.filter(kind=GenerationEvent.Kind.RETRYING).exclude(generation=poison)
    return {
        "blogs": _BLOGS,
        "done": _done(),
        "failed": others.filter(status=Status.FAILED).count(),
        "attempts_spent": spent.exclude(code="content_truncated").count(),
        "poison": poison.status,
        "poison_attempts": poison.attempts,
        "deferrals": GenerationEvent.objects.filter(kind=GenerationEvent.Kind.DEFERRED).count(),
    }


if __name__ == "__main__":
    print(json.dumps(_run()))
