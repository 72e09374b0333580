"""What one PostgreSQL gives when nothing but each single operation is asked of it, by 1, 2 and 4 processes: docs/scaling.md.

Each operation is the product's own call, as fast as one process after the other can make it, for four seconds; processes and
PostgreSQL share this machine, so a server of its own gives more. Submits come from 1,000 sites, and from one, whose account is
a lock. Claims are of 1, 10, 50 and 100 blogs out of 10,000s of 1,000 sites. Reservations are all of one limit, whose row is a lock.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from typing import Any
from uuid import uuid4

from blogs import queue
from blogs.models import BlogGeneration, Stage
from blogs.queue import lifecycle, submitting
from tests.bench import crews, filling
from tests.support import factories
from wix.models import Site
from workers import limits
from workers.database import wakeup
from workers.models import WorkerProcess

_SITES = 1_000
_SECONDS = 4.0
_SPAWNING_SECONDS = 4.0
_PROCESSES = (1, 2, 4)
_CLAIMS = (1, 10, 50, 100)

# Nothing but PostgreSQL holds anything back: no full queue, no log, and limits that are never reached.
_ENVIRONMENT = {
    "LOG_LEVEL": "ERROR",
    "BLOG_QUEUE_LIMIT": "100000000",
    "OPENAI_REQUESTS_PER_MINUTE": "2000000000",
    "OPENAI_TOKENS_PER_MINUTE": "2000000000",
}


def measure() -> dict[str, Any]:
    os.environ.update(_ENVIRONMENT)
    sites = filling.add_sites(_SITES)
    found: dict[str, Any] = {"started_per_s": {str(limit): {} for limit in _CLAIMS}, "submits_per_s": {}}
    for processes in _PROCESSES:
        with crews.crew(processes) as crew:
            for waking in [crew.submit(time.sleep, _SPAWNING_SECONDS) for _ in range(processes)]:
                waking.result()
            for limit in _CLAIMS:
                found["started_per_s"][str(limit)][str(processes)] = _rate(crew, processes, _claim, sites, limit)
            for name, of in {"many_sites": sites, "one_site": sites[:1]}.items():
                found["submits_per_s"].setdefault(name, {})[str(processes)] = _rate(crew, processes, _submit, of)
            for name, work in {"checkpoints": _checkpoint, "outcomes": _succeed}.items():
                found.setdefault(f"{name}_per_s", {})[str(processes)] = _rate(crew, processes, work, sites)
            for name, alone in {"reservations": _reserve, "notifies": _notify}.items():
                found.setdefault(f"{name}_per_s", {})[str(processes)] = _rate(crew, processes, alone)
        print(f"{processes} processes: done", flush=True)
    return found


def _rate(crew: ProcessPoolExecutor, processes: int, work: Callable[..., float], *arguments: Any) -> int:
    """The sum of what each process managed a second, all of them at it at the same time."""
    if arguments and len(arguments[0]) > 1:
        filling.add_blogs(30_000, arguments[0])
        filling.analyze()
    start_at = time.time() + 0.5
    return round(sum(done.result() for done in [crew.submit(work, start_at, *arguments) for _ in range(processes)]))


def _until_the_end(start_at: float, some: Callable[[], tuple[int, float]]) -> float:
    """`some` does a few operations and says how many, and how long they took without what prepared them."""
    time.sleep(max(0.0, start_at - time.time()))
    count, took = 0, 0.0
    while time.time() < start_at + _SECONDS:
        more, seconds = some()
        count, took = count + more, took + seconds
    return count / took


def _timed(call: Callable[[], int]) -> tuple[int, float]:
    began = time.perf_counter()
    return call(), time.perf_counter() - began


def _claim(start_at: float, sites: list[int], limit: int) -> float:
    """By a worker with nothing on its other seats."""
    worker = WorkerProcess.objects.create(name="bench", threads=limit)
    return _until_the_end(start_at, lambda: _timed(lambda: sum(len(queue.claim(worker, limit)) for _ in range(10))))


def _submit(start_at: float, sites: list[int]) -> float:
    known = list(Site.objects.filter(pk__in=sites))
    request = factories.blog_request()

    def ten() -> int:
        for _ in range(10):
            submitting.submit(site=random.choice(known), request=request)
        return 10

    return _until_the_end(start_at, lambda: _timed(ten))


def _checkpoint(start_at: float, sites: list[int]) -> float:
    worker = WorkerProcess.objects.create(name="bench", threads=50)

    def some() -> tuple[int, float]:
        claimed = queue.claim(worker, 10)
        return _timed(lambda: sum(_through_six_stages(blog) for blog in claimed))

    return _until_the_end(start_at, some)


def _through_six_stages(blog: BlogGeneration) -> int:
    stages = list(Stage)[:7]
    for stage, following in pairwise(stages):
        lifecycle.checkpoint(blog, stage, {}, next_stage=following)
    return len(stages) - 1


def _succeed(start_at: float, sites: list[int]) -> float:
    worker = WorkerProcess.objects.create(name="bench", threads=50)

    def done(blog: BlogGeneration) -> int:
        draft: dict[str, Any] = {"draft_post_id": str(uuid4()), "draft_post_url": "https://shop.example/draft"}
        lifecycle.succeed(blog, Stage.DRAFT, draft, **draft)
        return 1

    def some() -> tuple[int, float]:
        claimed = queue.claim(worker, 10)
        return _timed(lambda: sum(done(blog) for blog in claimed))

    return _until_the_end(start_at, some)


def _reserve(start_at: float) -> float:
    limit = limits.Limit("openai", model="bench")

    def ten() -> int:
        for _ in range(10):
            limits.acquire(limit, tokens=1)
        return 10

    return _until_the_end(start_at, lambda: _timed(ten))


def _notify(start_at: float) -> float:
    def ten() -> int:
        for _ in range(10):
            wakeup.notify()
        return 10

    return _until_the_end(start_at, lambda: _timed(ten))
