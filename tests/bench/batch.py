"""What an action of staff on thousands of blogs costs all other shops: `make bench NAME=batch`.

Twenty shops have two blogs in line at all times, and ten blogs start a second, as a provider's limit allows: so each waits for four
seconds. In turn without and with a batch that retries 100 failed blogs a second (`BATCH_BLOGS_PER_SECOND`) of one more shop, on a
thread beside it. Claims, submits, failures and retries are the product's own calls; no provider is called.

- `wait_s`: from joining the line to the start, the median over all starts of the twenty shops, without and with the batch.
- `starts_a_second`: what providers see. A blog that is retried stands in its shop's line like any other, so it is the same.
"""

from __future__ import annotations

import logging
import statistics
import threading
import time
from typing import Any

from django.conf import settings
from django.db import connection

from blogs import queue
from blogs.audit import Actor
from blogs.batches import starting, working
from blogs.models import BatchItem, BlogGeneration, SiteLine
from blogs.queue import lifecycle, lines, submitting
from blogs.queue.request import BlogRequest
from tests.bench import filling
from wix.models import Site
from workers.errors import PermanentError
from workers.models import WorkerProcess

_SHOPS, _EACH, _STARTS_A_SECOND = 20, 2, 10
_PHASES, _PHASE_SECONDS, _SETTLING_SECONDS = 6, 22.0, 6.0
_FAILED = 8_000
_ADD_FAILED = """
INSERT INTO blog_generations
    (site_id, status, source_type, source_id, language, tone, length, publish, priority, ready, stage, attempts, rescues,
     error_code, error_message, draft_post_url, created_at, finished_at)
SELECT %s, 'FAILED', 'keyword', 'topic ' || n, '', 'friendly', 'medium', false, 0, false, 'products', 1, 0, 'timeout', 'x', '',
       clock_timestamp(), clock_timestamp() FROM generate_series(1, %s) AS n
"""


def measure() -> dict[str, Any]:
    logging.disable(logging.WARNING)  # each of its blogs ends FAILED
    settings.BLOG_FAILED_LIMIT_PER_SITE = 10**9
    *shops, large = filling.add_sites(_SHOPS + 1)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_FAILED, [large, _FAILED])
    filling.add_blogs(_SHOPS * _EACH, shops)
    filling.analyze()
    worker = WorkerProcess.objects.create(name="bench", threads=50)
    waits: dict[bool, list[float]] = {False: [], True: []}
    starts: dict[bool, list[float]] = {False: [], True: []}
    for phase in range(_PHASES):
        with_batch = bool(phase % 2)
        stop = _begin(large) if with_batch else threading.Event()
        found, rate = _serve(worker, large)
        stop.set()
        if with_batch:
            _end(large)
        waits[with_batch] += found
        starts[with_batch].append(rate)
        print(f"batch {with_batch}: waited {statistics.median(found):.2f} s, {rate:.1f} starts a second", flush=True)
    without, beside = (statistics.median(waits[each]) for each in (False, True))
    return {
        "wait_s": {"without": round(without, 2), "with": round(beside, 2)},
        "longer": round(beside / without - 1, 3),
        "starts_a_second": {
            "without": round(statistics.mean(starts[False]), 2),
            "with": round(statistics.mean(starts[True]), 2),
        },
        "moved_by_the_batches": BatchItem.objects.filter(state=BatchItem.State.DONE).count(),
        "batch_blogs_per_second": settings.BATCH_BLOGS_PER_SECOND,
    }


def _begin(large: int) -> threading.Event:
    """Start a batch and a thread that carries it out, as a worker's chore does."""
    lines.resume(SiteLine.objects.get(pk=large))
    failed = BlogGeneration.objects.filter(site=large, status="FAILED")
    chosen = failed.filter(pk__in=failed.order_by("pk").values("pk")[: _FAILED // 3])
    starting.start(Actor("bench"), "retry", chosen, in_words="a bench", reason="a bench", options={})
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            pause = working.work_off(lambda: not stop.is_set())
            stop.wait(1.0 if pause is None else pause)
        connection.close()

    threading.Thread(target=work, daemon=True).start()
    return stop


def _end(large: int) -> None:
    """Stop the batch, and keep what it has put in line from the phase without."""
    from blogs.models import Batch

    for batch in Batch.objects.filter(ended_at=None):
        starting.stop(Actor("bench"), batch.pk)
    lines.pause(SiteLine.objects.get(pk=large))


def _serve(worker: WorkerProcess, large: int) -> tuple[list[float], float]:
    """Start ten blogs a second; return how long each of the other shops' waited, and how many started a second."""
    began, waits, starts = time.monotonic(), list[float](), 0
    while (now := time.monotonic() - began) < _PHASE_SECONDS:
        if starts > now * _STARTS_A_SECOND:
            time.sleep(0.005)
            continue
        (blog,) = queue.claim(worker, 1)
        starts += 1
        assert blog.started_at
        waited = (blog.started_at - blog.ready_at).total_seconds()
        lifecycle.fail(blog, PermanentError("timeout", "A bench."))
        if blog.site_id != large:
            submitting.submit(site=Site.objects.get(pk=blog.site_id), request=_request(starts))
            if now > _SETTLING_SECONDS:
                waits.append(waited)
    return waits, starts / (time.monotonic() - began)


def _request(number: int) -> BlogRequest:
    return BlogRequest(
        source_type="keyword",
        source_id=f"topic {number}",
        language="en",
        tone="friendly",
        length="medium",
        publish=False,
    )
