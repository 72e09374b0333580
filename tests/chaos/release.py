"""`make chaos SIZE=release`: a release with a bug in one stage is started, and started again and again; then comes a good one.

The bug hits every blog, after what its stage has paid for. Twenty blogs run at once, so most of those in flight meet it before the
worker can know. What is promised: an alert, no attempt spent, few calls paid for in vain however often it is started, and with the
good release every blog DONE.
"""

from __future__ import annotations

import time
from typing import IO, Any

import requests

from config.processes import Process
from tests.chaos import outcome
from tests.chaos.crew import asked
from tests.support import forks
from tests.support.shops import SHOPS
from tests.support.world import World, running

_BLOGS, _THREADS, _RESTARTS = 60, 20, 4
_GIVE_UP_SECONDS, _ALERT_SECONDS, _CLEAR_SECONDS = 90.0, 30.0, 45.0
# How long each of the broken workers lives once another would have been told of it.
_LIVES_SECONDS, _PROBE_SECONDS = 4.0, 1.0
_BAD = {"RELEASE": "2.0", "PLANTED_BUG": "article"}
_SETTINGS = {
    **outcome.SETTINGS,
    "RELEASE_PROBE_SECONDS": str(_PROBE_SECONDS),
    "BLOG_WORKER_DRAIN_SECONDS": "3",
}


def run(patience: float) -> dict[str, Any]:
    with running("chaos-release", SHOPS, speed=outcome.SPEED, credits=25 * _BLOGS, settings=_SETTINGS) as world:
        outcome.submit(world, _BLOGS)
        began = time.monotonic()
        _start_bad(world)
        fired = outcome.wait_for(lambda: _alert(world) != "", seconds=_ALERT_SECONDS * patience)
        told = {"alert_fired": fired, "alert_s": round(time.monotonic() - began, 1), "alert": _alert(world)}
        for number in range(_RESTARTS):
            time.sleep(_LIVES_SECONDS)
            # In turn: as a person ends it, and as the kernel does that is short of memory.
            (world.processes.kill if number % 2 else world.processes.end)("bad")
            _start_bad(world)
        time.sleep(_LIVES_SECONDS)
        told |= _spent(time.monotonic() - began)
        world.fork_worker("good", f"--threads={_THREADS}", RELEASE="2.1")
        outcome.wait_for(outcome.all_ended, seconds=_GIVE_UP_SECONDS * patience)
        still = _alert(world) != ""
        world.processes.end("bad")
        cleared = outcome.wait_for(lambda: _alert(world) == "", seconds=_CLEAR_SECONDS)
        return {
            **outcome.counts(world, _BLOGS),
            **told,
            "restarts": _RESTARTS,
            "fires_while_it_lives": still,
            "alert_cleared": cleared,
            "articles_paid": world.sandbox.stats()["openai"]["byOperation"]["article"],
        }


def broken(counted: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    kept = {
        **outcome.promises(counted),
        "the alert fires, as long as such a worker lives": counted["alert_fired"] and counted["fires_while_it_lives"],
        "it names the release": "2.0" in counted["alert"],
        "it clears when the worker has gone": counted["alert_cleared"],
        "no attempt is spent": not counted["attempts_spent"],
        "the broken release takes no more than its seats once, and probes": counted["started"]
        <= counted["started_max"],
    }
    return [promise for promise, is_kept in kept.items() if not is_kept]


def _start_bad(world: World) -> None:
    def start(ours: dict[str, str], log: IO[bytes] | None) -> Process:
        command = ["-m", "tests.chaos.planted", "run_blog_worker", f"--threads={_THREADS}"]
        return forks.start(command, {**ours, **world.environment, **_BAD}, log)

    world.processes.adopt("bad", start)


def _alert(world: World) -> str:
    """What the alert says; empty while it does not fire."""
    alerts = requests.get(f"{world.url}/health", timeout=10).json()["alerts"]
    return next((alert["message"] for alert in alerts if alert["name"] == "release_broken"), "")


def _spent(seconds: float) -> dict[str, int]:
    """What the broken release has cost so far, and how often it may have taken a blog at most."""
    from django.db.models import Sum

    from blogs.models import BlogGeneration, GenerationEvent, Status

    waiting = BlogGeneration.objects.filter(status=Status.PENDING)
    started = GenerationEvent.objects.filter(kind=GenerationEvent.Kind.STARTED)
    return {
        "attempts_spent": asked(lambda: waiting.aggregate(spent=Sum("attempts", default=0))["spent"], -1),
        "rescues_spent": asked(lambda: BlogGeneration.objects.aggregate(spent=Sum("rescues", default=0))["spent"], -1),
        "started": started.count(),
        # Seats that are free again before the fifth error are filled once more.
        "started_max": 2 * _THREADS + round(seconds / _PROBE_SECONDS) + _RESTARTS,
    }
