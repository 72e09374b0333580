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
from blogs.queue.forecast.arrivals import SAMPLE, Arrivals, arrivals
from blogs.queue.forecast.course import FOLLOWED_MAX, Course, Running, Work, course
from blogs.queue.forecast.learned import Learned, learned
from workers import limits
from workers.context.process_memory import remembered
from workers.database.rows import plain
from workers.pool import pace
from workers.pool.heartbeat import FRESH_SECONDS, WAITERS

# For how long it is remembered, and how old it may be for those who ask while one thread reads it again.
_FRESH_SECONDS, _OLDEST_SECONDS = 1.0, 1.5
# Without these no blog gets its draft; a picture can be gone without.
_NEEDED = ("openai", "wix")
_UNITS = (("openai", "requests"), ("openai", "tokens"))
_BEFORE_THE_TEXT = (Stage.PRODUCTS, Stage.IDEA, Stage.IMAGE_ORDER)
_RUNNING_MAX = 1_000
# What was asked for within this many of an ordinary blog's seconds may go on.
_LATELY = 10.0
# Blogs that come back within this many of an ordinary blog's seconds take seats before others.
_BACK, _BACK_MAX = 2.0, 200
# Places are given for this share of the time for which they may be given ahead: there are none left.
_FULL = 0.75
# Of those in line, about as many are looked at for whether they have an idea.
_LOOKED_AT = 200

_SEEN = f"""
WITH crew AS MATERIALIZED (
    -- Each worker takes its share by what it measured itself.
    SELECT coalesce(sum(threads), 0) AS threads, count(*) AS workers,
           sum(fed * threads) / nullif(sum(threads) FILTER (WHERE fed IS NOT NULL), 0) AS fed
      FROM workers_workerprocess
     WHERE heartbeat_at > clock_timestamp() - %(fresh)s * interval '1 second' AND NOT stopping AND broken_at IS NULL
), line AS MATERIALIZED (
    SELECT id, row_number() OVER () AS nth
      FROM (SELECT id FROM blog_generations WHERE ready ORDER BY created_at LIMIT {FOLLOWED_MAX}) AS ready
)
SELECT clock_timestamp(), crew.threads, crew.workers, crew.fed,
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
       ({SAMPLE}),
       (SELECT coalesce(jsonb_agg(seconds ORDER BY seconds), '[]') FROM (
           SELECT greatest(0, extract(epoch FROM run_after - clock_timestamp())) AS seconds FROM blog_generations
            WHERE status = 'PENDING' AND NOT ready AND waits_for = '' AND started_at IS NOT NULL
              AND run_after < clock_timestamp() + %(back)s * interval '1 second'
            ORDER BY run_after LIMIT {_BACK_MAX}) AS due),
       (SELECT jsonb_build_array((SELECT count(*) FROM line), (
            SELECT avg(EXISTS (SELECT FROM blogs_topic
                                WHERE generation_id = line.id AND kind = 'title' AND plan IS NOT NULL)::int)
              FROM line WHERE nth %% (1 + (SELECT count(*) FROM line) / {_LOOKED_AT}) = 0))),
       (SELECT jsonb_build_array(requests, tokens) FROM ({limits.PACED}) AS paced)
  FROM crew
"""


@dataclass(frozen=True, slots=True)
class Outlook:
    read_at: datetime
    """By PostgreSQL's clock."""
    read_at_monotonic: float
    threads: int
    """Of workers that are alive."""
    workers: int
    processing: int
    out: Sequence[str]
    """Providers without which no blog is made, and that are down."""
    came: Arrivals
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
    """Return what is remembered. While one thread reads it again, the others go by the last one."""
    known = _memory.value
    if known is not None and time.monotonic() - known.read_at_monotonic <= _FRESH_SECONDS:
        return known
    is_mine = _lock.acquire(blocking=known is None or time.monotonic() - known.read_at_monotonic > _OLDEST_SECONDS)
    if not is_mine:
        assert known is not None
        return known
    try:
        again = _memory.value
        if again is None or again is known:
            again = _memory.value = _read(learned())
        return again
    finally:
        _lock.release()


def _read(lately: Learned) -> Outlook:
    asked = {
        "fresh": FRESH_SECONDS,
        "lease": settings.BLOG_WORKER_LEASE_SECONDS,
        "needed": list(_NEEDED),
        "lately": _LATELY * ordinary_blog.seconds(),
        "back": _BACK * ordinary_blog.seconds(),
        "provider": "openai",
        "model": settings.OPENAI_MODEL,
        "late": settings.RATE_LIMIT_LATE_SECONDS,
        **limits.following(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, asked)
        row = cursor.fetchone()
    return of(row, time.monotonic(), lately)


def of(row: Sequence[Any], at: float, lately: Learned) -> Outlook:
    """Make it of what was read at that moment."""
    now, threads, workers, fed, waiting, out, free_in, running, came, due, line, paced = row
    work = work_of(lately)
    on_seats = _on_seats(plain(running), int(waiting), float(free_in or 0.0), lately, work)
    back = [float(seconds) for seconds in plain(due)]
    lately_came = arrivals(plain(came), _LATELY * ordinary_blog.seconds())
    # Those in line, and what comes until a text is asked for: its ideas go before that text. Behind them stand those that come
    # while this is remembered.
    comes = lately_came.more(1.0, work.before + work.idea)
    in_line, have_ideas = plain(line)
    near = int(in_line) + round(comes) + 1
    a_second = lately.a_second(dict(zip(_UNITS, plain(paced) or (), strict=False)))
    seats = _seats(int(threads), fed)
    far = max(near, seats) + round(3 * lately_came.blogs) + 1
    found, behind = (
        course(
            seats,
            on_seats,
            work,
            a_second,
            float(free_in or 0.0),
            back,
            followed=min(FOLLOWED_MAX, followed),
            in_line=int(in_line),
            planned=float(in_line * (have_ideas or 0)),
        )
        for followed in (near, far)
    )
    found = found.before(behind)
    return Outlook(now, at, int(threads), int(workers), len(on_seats), out, lately_came, found, lately)


def _seats(threads: int, fed: float | None) -> int:
    """Return how many blogs all workers together have at once; where none is alive, as many as the limits feed."""
    headroom: float = settings.WORKS_IN_FLIGHT_HEADROOM
    if not headroom:
        return max(1, threads)
    feeds = fed or headroom * pace.fed(ordinary_blog.seconds(), ordinary_blog.use())
    return max(1, min(threads or round(feeds), round(feeds)))


def work_of(lately: Learned) -> Work:
    whole, from_idea, from_text = (lately.work(stage)[1] for stage in (Stage.PRODUCTS, Stage.IDEA, Stage.ARTICLE))
    from_idea = min(whole, from_idea)
    from_text = min(from_idea, from_text)
    return Work(whole - from_idea, from_idea - from_text, from_text, lately.idea_share, lately.ideas_a_call)


def _on_seats(found: Sequence[Any], waiting: int, free_in: float, lately: Learned, work: Work) -> list[Running]:
    """Tell what is left of the blogs that run.

    As many as wait for a place in the limits are those that have been at their idea or text for the shortest: the other calls of
    these stages are under way. Workers say that number every few seconds. While all places are given that may be, those who need an
    idea wait, whatever was said.
    """
    full = free_in > _FULL * settings.RATE_LIMIT_HORIZON_SECONDS
    asking = sorted(float(since) for stage, since in found if stage in (Stage.IDEA, Stage.ARTICLE))
    waits_up_to = asking[min(waiting, len(asking)) - 1] if waiting and asking else -math.inf
    return [
        _running(stage, float(since), float(since) <= waits_up_to or (full and stage == Stage.IDEA), lately, work)
        for stage, since in found
    ]


def _running(stage: str, since: float, waits: bool, lately: Learned, work: Work) -> Running:
    if stage == Stage.PRODUCTS:
        return Running(max(0.0, work.before - since), needs_idea=True)
    if stage == Stage.IDEA:
        return Running(0.0, needs_idea=True) if waits else Running(max(0.0, work.idea - since), needs_text=True)
    if stage in _BEFORE_THE_TEXT:
        return Running(max(0.0, lately.work(stage)[1] - work.text - since), needs_text=True)
    if stage == Stage.ARTICLE and waits:
        return Running(0.0, needs_text=True)
    return Running(max(lately.work(stage)[1] - since, 0.02 * work.seconds))
