"""`make chaos`: workers, the database and a network cable are killed again and again; afterwards every blog must be DONE once.

Prints the schedule, what happens, and one JSON object as its last line (keys: docs/benchmarks.md); exits 1 if anything was lost
or came twice. The same seed gives the same schedule. Other sizes are scenes of their own, each a module of this package: `hostile`
is one, in which a stranger attacks.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from config.processes import stop_on_signals
from tests.chaos import network
from tests.chaos.crew import Crew, asked, done
from tests.chaos.events import Going, Told, carry_out
from tests.chaos.result import broken, counts
from tests.chaos.schedule import SCENES, SIZES, Event, Size, schedule
from tests.support.shops import SHOPS, Shop
from tests.support.world import World, running

# Everything twenty times faster than in production, also what waits for Wix: a create takes 1.25 s here and not 25. So a blog
# takes about as long as a worker lives, and the kills meet every stage.
_SPEED = 20
_SETTINGS = {
    "DEBUG": "false",  # Django would keep every query
    "OPERATIONS_OPEN": "true",
    "BLOG_WORKER_LEASE_RENEW_SECONDS": "1",
    "RATE_LIMIT_MAX_WAIT_SECONDS": "3",
    "STAGE_DRAFT_DEADLINE_SECONDS": "4.5",
    "BLOG_DRAFT_LOOKUP_SECONDS": "4.5",
    "BLOG_DRAFT_SWEEP_SECONDS": "10",
    "BLOG_BACKOFF_SECONDS": "1",
}
_TICK_SECONDS = 0.1
# Between two events, so that each is one of its own.
_APART_SECONDS = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--size", choices=[*sorted(SIZES), *SCENES], default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--patience", type=float, default=1, help="how many times longer before it gives up: for slow machines"
    )
    options = parser.parse_args()
    if options.size in SCENES:
        return _told_of(options.size, options.patience)
    size = SIZES[options.size]
    size = replace(size, give_up_seconds=size.give_up_seconds * options.patience)
    if size.network_cuts:
        if missing := network.what_is_missing():
            print(f"No network can be cut here: {missing}")
            return 0 if options.size == "cut" else 1  # nothing of it can be done, or only a part
        network.move_in("tests.chaos")
    stop_on_signals()
    began = time.monotonic()
    counted = _run(f"chaos-{options.size}", size, schedule(size, options.seed))
    print(json.dumps({"seed": options.seed, **counted, "seconds": round(time.monotonic() - began)}))
    for promise in broken(counted, size):
        print(f"broken: {promise}", file=sys.stderr)
    return 1 if broken(counted, size) else 0


def _told_of(name: str, patience: float) -> int:
    scene = importlib.import_module(f"tests.chaos.{name}")
    stop_on_signals()
    began = time.monotonic()
    counted = scene.run(patience)
    print(json.dumps({**counted, "seconds": round(time.monotonic() - began)}))
    promises = scene.broken(counted)
    for promise in promises:
        print(f"broken: {promise}", file=sys.stderr)
    return 1 if promises else 0


def _run(purpose: str, size: Size, events: list[Event]) -> dict[str, Any]:
    print(*events, sep="\n", flush=True)
    with ExitStack() as stack:
        cable = stack.enter_context(network.cable()) if size.network_cuts else None
        places: dict[str, Any] = {"database_at": network.DATABASE_AT, "sandbox_at": network.SANDBOX_AT} if cable else {}
        world = stack.enter_context(
            running(purpose, _shops(size), speed=_SPEED, credits=25 * size.blogs, settings=_settings(size), **places)
        )
        if size.lost_creates:
            _lose_creates(world, size.lost_creates)
        _submit(world, size.blogs)
        crew, told = Crew(world, size, cable), Told()
        for number in range(size.workers):
            crew.start(number)
        _disturb(crew, events, told)
        return {**_told(told, crew), **counts(world, size)}


def _shops(size: Size) -> list[Shop]:
    """Where it is about what is made at Wix, one has photos to import."""
    first, *others = SHOPS
    return [replace(first, photographed=bool(size.lost_creates)), *others]


def _settings(size: Size) -> dict[str, str]:
    return {**_SETTINGS, "BLOG_WORKER_LEASE_SECONDS": str(size.lease_seconds)}


def _lose_creates(world: World, share: float) -> None:
    """Wix makes the draft and says nothing until we hang up; and what it has just made it doesn't show at once."""
    world.sandbox.fault("wix", "after_success", "draft_create", times=None, probability=share, seconds=30)
    world.sandbox.switch(wix_read_lag_seconds="3")


def _submit(world: World, blogs: int) -> None:
    wanted = [
        (SHOPS[n % 4], {"sourceType": "keyword", "sourceId": f"chaos {n}", "length": "short"}) for n in range(blogs)
    ]
    with ThreadPoolExecutor(8) as submitters:
        for answer in submitters.map(lambda request: world.submit(*request), wanted):
            assert answer.status_code == 201, answer.text


def _disturb(crew: Crew, events: list[Event], told: Told) -> None:
    """Each event in its turn, until all are over, all blogs DONE, and every sweep that was due has looked."""
    waiting, going = list(events), list[Going]()
    gives_up_at, next_at = time.monotonic() + crew.size.give_up_seconds, 0.0
    while time.monotonic() < gives_up_at:
        finished = done()
        if not (waiting or going) and finished == crew.size.blogs and _is_swept():
            return
        if waiting and finished >= waiting[0].after_done and time.monotonic() >= next_at:
            going.append(carry_out(waiting.pop(0), crew, told))
            next_at = time.monotonic() + _APART_SECONDS
        going = [each for each in going if _goes_on(each)]
        crew.supervise()
        time.sleep(_TICK_SECONDS)


def _goes_on(event: Going) -> bool:
    return next(event, _OVER) is not _OVER


_OVER = object()


def _is_swept() -> bool:
    from blogs.models import BlogGeneration

    return asked(lambda: not BlogGeneration.objects.filter(draft_sweep_at__isnull=False).exists(), False)


def _told(told: Told, crew: Crew) -> dict[str, Any]:
    return {
        "sigkills": told.happened["kill"],
        "zombies": told.happened["zombie"],
        "database_kills": told.happened["database_kill"],
        "network_cuts": told.happened["network_cut"],
        "leases_taken_from_the_living": told.lost_leases,
        "leases_lost_noticed": crew.all_noticed(),
        "recovery_s_max": round(max(told.recovery_seconds, default=0.0), 1),
        "workers_started_without_database": crew.restarts,
        "answers_while_database_away": dict(told.answers),
    }


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
