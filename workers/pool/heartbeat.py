"""A worker's heartbeat: its row says that it lives, how much it has in flight and what its threads wait for."""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from workers import limits, metrics
from workers.database import process_counts
from workers.database.clock import seconds_from_now
from workers.database.connections import released_afterwards
from workers.models import WorkerProcess
from workers.pool.pace import Crew
from workers.pool.verdict import Verdict

logger = logging.getLogger(__name__)

# A killed worker's row stays for a day, so that people see what happened.
_FORGET_SECONDS = 24 * 3600
# A worker whose heartbeat is older than this is taken for lost: it has missed several renewals.
FRESH_SECONDS = 30

_counts = process_counts.Row()


def register(threads: int, verdict: Verdict) -> WorkerProcess:
    """Make this process's row. Where its release was found broken, and none of its workers does well, it begins in doubt."""
    WorkerProcess.objects.filter(heartbeat_at__lt=seconds_from_now(-_FORGET_SECONDS)).delete()
    process_counts.add_ended()
    with released_afterwards():
        same = WorkerProcess.objects.filter(release=settings.RELEASE)
        broken = same.filter(broken_at__isnull=False).order_by("heartbeat_at").last()
        fresh = seconds_from_now(-FRESH_SECONDS)
        if broken and not same.filter(broken_at=None, done__gt=0, heartbeat_at__gt=fresh).exists():
            verdict.doubt(broken.broken_where, broken.broken_reason)
        name = f"{socket.gethostname()}:{os.getpid()}"[:100]
        return WorkerProcess.objects.create(name=name, threads=threads, release=settings.RELEASE)


def show_alive() -> None:
    """Touch BLOG_WORKER_ALIVE_PATH, where it is set: a health check can see it without the database (`config/healthcheck.py`)."""
    if settings.BLOG_WORKER_ALIVE_PATH:
        Path(settings.BLOG_WORKER_ALIVE_PATH).touch()


def unregister(worker: WorkerProcess, verdict: Verdict) -> None:
    """Delete the row, unless it has to tell the next worker of this release that it was found broken."""
    with released_afterwards():
        if not verdict.is_broken:
            WorkerProcess.objects.filter(pk=worker.pk).delete()
        _counts.end()


def beat(
    worker: WorkerProcess, in_flight: int, verdict: Verdict, *, stopping: bool, fed: float = math.inf
) -> Crew | None:
    """Write the heartbeat; return who works, this worker included. None: our row is gone, so others take us for dead.

    `fed`: how many works all workers together should have in flight, as this one measures it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _BEAT,
            {
                "worker": worker.pk,
                "in_flight": in_flight,
                "stopping": stopping,
                "fed": fed if math.isfinite(fed) else None,
                "done": metrics.value(metrics.DONE),
                "failed": metrics.value(metrics.FAILED),
                "waiting": json.dumps(limits.waiting()),
                "fresh": FRESH_SECONDS,
                **_counts.parameters(),
                "release": settings.RELEASE,
                "broken": verdict.is_broken,
                "broken_where": verdict.where[:200],
                "broken_reason": verdict.reason[:200],
            },
        )
        row = cursor.fetchone()
    if not row:
        return None
    *crew, counted = row
    _counts.wrote(counted)
    return Crew(*crew)


_BEAT = f"""
WITH mine AS (
    UPDATE workers_workerprocess
       SET heartbeat_at = clock_timestamp(), in_flight = %(in_flight)s, stopping = %(stopping)s, done = %(done)s,
           failed = %(failed)s, waiting = %(waiting)s, fed = %(fed)s, broken_where = %(broken_where)s,
           broken_reason = %(broken_reason)s,
           broken_at = CASE WHEN %(broken)s THEN coalesce(broken_at, clock_timestamp()) END
     WHERE id = %(worker)s
    RETURNING id, threads
), mended AS (
    -- One of this release does well, so what its dead ones have left says nothing any more.
    UPDATE workers_workerprocess SET broken_at = NULL, broken_where = '', broken_reason = ''
     WHERE release = %(release)s AND broken_at IS NOT NULL AND NOT %(broken)s AND %(done)s > 0 AND id <> %(worker)s
       AND heartbeat_at < (SELECT clock_timestamp() - %(fresh)s * interval '1 second')
), others AS (
    SELECT coalesce(sum(threads) FILTER (WHERE id < %(worker)s AND NOT is_leaving), 0) AS before,
           coalesce(sum(threads) FILTER (WHERE id > %(worker)s AND NOT is_leaving), 0) AS after,
           coalesce(sum(in_flight) FILTER (WHERE is_leaving), 0) AS left_in_flight
      FROM workers_workerprocess, LATERAL (SELECT stopping OR broken_at IS NOT NULL AS is_leaving) AS state
     WHERE id <> %(worker)s AND heartbeat_at > (SELECT clock_timestamp() - %(fresh)s * interval '1 second')
), counted AS (
    {process_counts.WRITE} RETURNING 1
)
SELECT before, threads, after, left_in_flight, (SELECT count(*) FROM counted) FROM mine, others
"""


# The threads that wait for a limit, by living worker: `provider`, `key` (a site's; of a shared limit its model, or empty) and
# `threads`. A worker is taken for dead when its heartbeat is older than %(lease)s seconds. Other rooms' statements embed it as a
# sub-select, so that only this room knows how `limits.waiting` names a limit.
WAITERS = """
SELECT split_part(waiting.name, ':', 1) AS provider, substr(waiting.name, strpos(waiting.name || ':', ':') + 1) AS key,
       waiting.threads::int AS threads
  FROM workers_workerprocess worker, jsonb_each_text(worker.waiting) AS waiting (name, threads)
 WHERE worker.heartbeat_at > (SELECT clock_timestamp() - %(lease)s * interval '1 second')
"""

_last = {"at": time.monotonic(), "done": 0, "failed": 0}


def log(in_flight: int, threads: int, stats: dict[str, Any]) -> None:
    """Log one line that says how this worker and the queue are doing."""
    now, done, failed = time.monotonic(), metrics.value(metrics.DONE), metrics.value(metrics.FAILED)
    new_done, seconds = done - _last["done"], max(now - _last["at"], 0.001)
    logger.info(
        "heartbeat",
        extra={
            "action": "heartbeat",
            "in_flight": in_flight,
            "free_seats": threads - in_flight,
            "done": new_done,
            "failed": failed - _last["failed"],
            "blogs_per_second": round(new_done / seconds, 2),
            "limits": limiter_use(),
            **stats,
        },
    )
    _last.update(at=now, done=done, failed=failed)


def limiter_use() -> dict[str, str]:
    """Return the share of each shared limit that was used in the last minute, for example `{"openai requests": "63%"}`."""
    use = {}
    for limit in limits.snapshot(*settings.RATE_LIMITS):
        provider = limit["provider"]
        use[f"{provider} requests"] = f"{limit['requests_used'] / limit['requests_per_minute']:.0%}"
        if limit["tokens_per_minute"]:
            use[f"{provider} tokens"] = f"{limit['tokens_reserved'] / limit['tokens_per_minute']:.0%}"
    return use
