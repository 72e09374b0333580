"""What holds for all blogs at this moment: seats and what is on them, the limits, providers that are out.

One statement reads it. A process remembers it for a second, so that a burst of requests asks once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from blogs.models import Stage
from blogs.providers import ordinary_blog
from blogs.queue.forecast.course import Course, Running, Work, course
from blogs.queue.forecast.learned import Learned, learned
from workers.context.process_memory import remembered
from workers.database.rows import plain
from workers.pool import pace
from workers.pool.heartbeat import FRESH_SECONDS, WAITERS

_FRESH_SECONDS = 1.0
# Without these no blog gets its draft; a picture can be gone without.
_NEEDED = ("openai", "wix")
_BEFORE_THE_TEXT = (Stage.PRODUCTS, Stage.IDEA, Stage.IMAGE_ORDER)
_RUNNING_MAX = 1_000
# What was asked for in this share of an ordinary blog's seconds is taken to go on: as much again comes.
_LATELY, _CAME_MAX = 0.5, 2_000

_SEEN = f"""
WITH crew AS MATERIALIZED (
    -- Each worker takes its share by what it measured itself.
    SELECT coalesce(sum(threads), 0) AS threads,
           sum(fed * threads) / nullif(sum(threads) FILTER (WHERE fed IS NOT NULL), 0) AS fed
      FROM workers_workerprocess
     WHERE heartbeat_at > clock_timestamp() - %(fresh)s * interval '1 second' AND NOT stopping AND broken_at IS NULL
)
SELECT clock_timestamp(), crew.threads, crew.fed,
       (SELECT coalesce(sum(threads), 0) FROM ({WAITERS}) AS waiters WHERE provider = 'openai'),
       (SELECT coalesce(array_agg(provider ORDER BY provider), '{{}}') FROM workers_breaker
         WHERE opened_at IS NOT NULL AND provider = ANY(%(needed)s)),
       (SELECT greatest(0, extract(epoch FROM max(greatest(requests_tat, tokens_tat, blocked_until)) - clock_timestamp()))
          FROM workers_ratelimit WHERE provider = 'openai' AND key = ''),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(stage, since)), '[]') FROM (
           SELECT blog.stage, extract(epoch FROM clock_timestamp() - last.created_at) AS since
             FROM blog_generations blog CROSS JOIN LATERAL (
                  SELECT created_at FROM blogs_generationevent WHERE generation_id = blog.id ORDER BY id DESC LIMIT 1) AS last
            WHERE blog.status = 'PROCESSING' LIMIT {_RUNNING_MAX}) AS running),
       (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE ready AND created_at > clock_timestamp() - %(lately)s * interval '1 second' LIMIT {_CAME_MAX}) AS came)
  FROM crew
"""


@dataclass(frozen=True, slots=True)
class Outlook:
    read_at: datetime
    """By PostgreSQL's clock."""
    read_at_monotonic: float
    threads: int
    """Of workers that are alive."""
    processing: int
    out: Sequence[str]
    """Providers without which no blog is made, and that are down."""
    text_waits: float
    """In how many seconds a text that is ready to be asked for gets a place in the limits."""
    came: int
    """How many blogs that wait were asked for a moment ago."""
    course: Course
    learned: Learned

    def now(self) -> datetime:
        return self.read_at + timedelta(seconds=time.monotonic() - self.read_at_monotonic)


@dataclass(slots=True)
class _Memory:
    value: Outlook | None = None

    def clear(self) -> None:
        self.value = None


_memory = remembered(_Memory())
_lock = threading.Lock()


def outlook() -> Outlook:
    with _lock:
        known = _memory.value
        if known is None or time.monotonic() - known.read_at_monotonic > _FRESH_SECONDS:
            known = _memory.value = _read(learned())
        return known


def _read(lately: Learned) -> Outlook:
    asked = {
        "fresh": FRESH_SECONDS,
        "lease": settings.BLOG_WORKER_LEASE_SECONDS,
        "needed": list(_NEEDED),
        "lately": _LATELY * ordinary_blog.seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, asked)
        now, threads, fed, waiting, out, free_in, running, came = cursor.fetchone()
    at = time.monotonic()
    work = work_of(lately)
    on_seats = _on_seats(plain(running), int(waiting), lately, work)
    ahead = float(free_in or 0.0)
    seats = _seats(int(threads), fed)
    found = course(seats, on_seats, work, lately.a_second, ahead)
    text_waits = ahead + sum(each.needs_a_place for each in on_seats) / lately.a_second
    return Outlook(now, at, int(threads), len(on_seats), out, text_waits, came, found, lately)


def _seats(threads: int, fed: float | None) -> int:
    """Return how many blogs all workers together have at once; where none is alive, as many as the limits feed."""
    headroom: float = settings.WORKS_IN_FLIGHT_HEADROOM
    if not headroom:
        return max(1, threads)
    feeds = fed or headroom * pace.fed(ordinary_blog.seconds(), ordinary_blog.use())
    return max(1, min(threads or round(feeds), round(feeds)))


def work_of(lately: Learned) -> Work:
    _, whole, _ = lately.work(Stage.PRODUCTS)
    _, from_the_text, _ = lately.work(Stage.ARTICLE)
    return Work(max(0.0, whole - from_the_text), min(whole, from_the_text))


def _on_seats(found: Sequence[Any], waiting: int, lately: Learned, work: Work) -> list[Running]:
    """Tell what is left of the blogs that run. Those that have been at the text for the shortest wait for its place."""
    texts = sorted((float(since) for stage, since in found if stage == Stage.ARTICLE))
    waits_up_to = texts[min(waiting, len(texts)) - 1] if waiting and texts else -math.inf
    blogs = []
    for stage, since in found:
        needs = stage in _BEFORE_THE_TEXT or (stage == Stage.ARTICLE and float(since) <= waits_up_to)
        _, left, _ = lately.work(stage)
        spent = 0.0 if stage == Stage.ARTICLE and needs else float(since)
        blogs.append(Running(max(left - spent, 0.02 * work.seconds), needs))
    return blogs
