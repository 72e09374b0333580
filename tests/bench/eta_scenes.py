"""300 blogs of 30 sites in five scenes, through the whole product: `python -m tests.bench.eta_scenes --output FILE`.

Time runs `_SPEED` times faster than in production: latencies, limits, the expectation of a cold start, the pauses before a blog or
a provider is tried again, how often a worker says what it does. No two blogs of a site in a scene are about the same, since like
titles are asked for again.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from config.processes import stop_on_signals
from tests.bench import eta_figures
from tests.bench.eta_figures import Promise, Told
from tests.bench.topics import KINDS, THINGS
from tests.support.shops import Shop
from tests.support.world import World, running

_SPEED, _SITES, _BLOGS, _WORKERS, _POSTERS = 5, 30, 300, 2, 4
_LONGEST_SECONDS = 240
# How many blogs are asked for before the outage.
_BEFORE = _BLOGS // 2
_SETTINGS = {
    "DEBUG": "false",
    "LOG_LEVEL": "ERROR",
    "BLOG_EXPECTED_SECONDS": str(65 / _SPEED),
    "BLOG_BACKOFF_SECONDS": str(10 / _SPEED),
    "BREAKER_PROBE_SECONDS": str(15 / _SPEED),
    "BLOG_WORKER_LEASE_RENEW_SECONDS": str(5 / _SPEED),
}
# A site's blogs of a scene are every 30th of these pairs, and of another scene others.
_SHIFT = 7


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scenes", default=",".join(_SCENES))
    options = parser.parse_args()
    stop_on_signals()
    shops = [Shop(f"Shop {n}", "V3_CATALOG", (("Wool Scarf", "Knitted."),), (), 0) for n in range(_SITES)]
    with running("bench-eta", shops, speed=_SPEED, credits=10**6, workload="short", settings=_SETTINGS) as world:
        for number in range(_WORKERS):
            world.fork_worker(f"worker-{number}")
        world.processes.wait_for(lambda: _workers() == _WORKERS, seconds=90, what="the workers")
        for number, name in enumerate(_SCENES):
            if name in options.scenes.split(","):
                began = time.monotonic()
                promises = _SCENES[name](Scene(world, name, shops, _SHIFT * number))
                found = eta_figures.figures(promises)
                print(f"{name} ({time.monotonic() - began:.0f} s): {found}", file=sys.stderr, flush=True)
                eta_figures.write(promises, options.output)
    return 0


@dataclass(slots=True)
class Scene:
    world: World
    name: str
    shops: Sequence[Shop]
    shift: int

    def post(self, sites: Sequence[int]) -> list[dict[str, Any]]:
        """Ask for one blog of each of these sites, in this order; return the answers."""
        from wix.identity.signed_instance import sign_instance

        sessions = threading.local()

        def post(asked: tuple[int, int]) -> dict[str, Any]:
            number, site = asked
            if not hasattr(sessions, "session"):
                sessions.session = requests.Session()
            answer = sessions.session.post(
                f"{self.world.url}/api/blog-generation",
                json={"sourceType": "keyword", "sourceId": self._topic(number), "length": "medium"},
                headers={"Authorization": f"Bearer {sign_instance(self.shops[site].instance_id)}"},
                timeout=60,
            )
            assert answer.status_code == 201, answer.text
            found: dict[str, Any] = answer.json()
            return found

        with ThreadPoolExecutor(_POSTERS) as posters:
            return list(posters.map(post, enumerate(sites)))

    def _topic(self, number: int) -> str:
        number = (number + self.shift) % _BLOGS
        return f"{KINDS[number % 20]} {THINGS[number // 20]}"

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        self.world.processes.wait_for(is_so, seconds=_LONGEST_SECONDS, what=what)

    def kept(self, answers: Sequence[dict[str, Any]], but_of: int | None = None) -> list[Promise]:
        """Wait until these blogs are DONE, and compare what they were told with what became of it."""
        from blogs.models import BlogGeneration, Status
        from wix.models import Site

        blogs = BlogGeneration.objects.filter(pk__in=[each["id"] for each in answers])
        if but_of is not None:
            blogs = blogs.exclude(site=Site.objects.get(instance_id=self.shops[but_of].instance_id))
        count = blogs.count()
        self.until(lambda: blogs.filter(status=Status.DONE).count() == count, "the blogs")
        told = {each["id"]: each for each in answers}
        found = blogs.order_by("pk").values_list("pk", "site", "created_at", "started_at", "finished_at")
        return [
            self._promise(told[pk], site, created, started, ended)
            for pk, site, created, started, ended in found
            if started and ended
        ]

    def _promise(
        self, answer: dict[str, Any], site: int, created: datetime, started: datetime, ended: datetime
    ) -> Promise:
        def told(what: str, truth: datetime) -> Told | None:
            if answer[what] is None:
                return None
            early, late = (datetime.fromisoformat(answer[what][side]) for side in ("early", "late"))
            return Told(*((moment - created).total_seconds() for moment in (early, late, truth)))

        start, end = told("estimatedStart", started), told("estimatedEnd", ended)
        return Promise(self.name, round(created.timestamp(), 2), site, answer["queuePosition"], start, end)


def _even() -> list[int]:
    return [number % _SITES for number in range(_BLOGS)]


def _ordinary(scene: Scene) -> list[Promise]:
    return scene.kept(scene.post(_even()))


def _whale(scene: Scene) -> list[Promise]:
    """One site asks for half of all, mixed with the others'."""
    sites = [0] * (_BLOGS // 2) + [1 + number % (_SITES - 1) for number in range(_BLOGS // 2)]
    random.Random(7).shuffle(sites)
    return scene.kept(scene.post(sites))


def _paused(scene: Scene) -> list[Promise]:
    """The line of one site is paused until the blogs of all others are done."""
    from blogs.models import SiteLine

    line = SiteLine.objects.filter(site__instance_id=scene.shops[3].instance_id)
    line.update(paused=True)
    answers = scene.post(_even())
    told = {each["waitsFor"] for number, each in enumerate(answers) if number % _SITES == 3}
    assert told == {"line_paused"}, told
    found = scene.kept(answers, but_of=3)
    line.update(paused=False)
    scene.kept(answers)
    return found


def _outage(scene: Scene) -> list[Promise]:
    """OpenAI answers 500 to everything once half of the blogs were asked for, until three quarters were.

    The first half cannot know of it. The third quarter is promised nothing.
    """
    from workers.models import Breaker

    def is_out() -> bool:
        return Breaker.objects.filter(provider="openai", opened_at__isnull=False).exists()

    sites = _even()
    answers = scene.post(sites[:_BEFORE])
    scene.world.sandbox.fault("openai", "500", times=None)
    scene.until(is_out, "the breaker to open")
    time.sleep(2)  # what a process remembers of the providers
    while_out = scene.post(sites[_BEFORE:225])
    assert {each["waitsFor"] for each in while_out} == {"openai"}, while_out[:3]
    scene.world.sandbox.clear_faults()
    scene.until(lambda: not is_out(), "the breaker to close")
    time.sleep(2)
    answers += scene.post(sites[225:])
    found = scene.kept(answers)
    scene.kept(while_out)
    return [replace(each, case=f"before_{scene.name}") for each in found[:_BEFORE]] + found[_BEFORE:]


_SCENES: dict[str, Callable[[Scene], list[Promise]]] = {
    "cold": _ordinary,
    "warm": _ordinary,
    "whale": _whale,
    "paused": _paused,
    "outage": _outage,
}


def _workers() -> int:
    from workers.models import WorkerProcess

    return WorkerProcess.objects.count()


if __name__ == "__main__":
    sys.exit(main())
