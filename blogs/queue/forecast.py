"""Where a blog stands in the fair order, and about when it will start."""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.db import connection

from blogs.models import BlogGeneration

# In the lines of others, those starts go before that have a lower turn; in one's own, those that `queue.claim` takes earlier. A
# line behind the clock goes on at the clock. Retries and blogs put first move a few: a forecast, not a promise.
_POSITION = """
WITH clock AS MATERIALIZED (
    SELECT turn FROM blogs_queueclock
), mine AS MATERIALIZED (
    SELECT l.site_id, greatest(l.turn, (SELECT turn FROM clock)) AS turn, l.step, (
        SELECT count(*) FROM (
            SELECT 1 FROM blog_generations g
             WHERE g.site_id = l.site_id AND g.ready
               AND (g.priority, (g.started_at IS NULL), g.id) <= (%(priority)s, %(fresh)s, %(id)s) LIMIT %(limit)s
        ) AS before
    ) AS place
      FROM blogs_siteline l WHERE l.site_id = %(site)s
)
SELECT mine.place + coalesce(sum(least(l.waiting, greatest(0,
           ceil((mine.turn + (mine.place - 1) * mine.step - greatest(l.turn, (SELECT turn FROM clock))) / l.step)))), 0)::bigint
  FROM mine LEFT JOIN blogs_siteline l ON l.waiting > 0 AND NOT l.paused AND l.site_id <> mine.site_id
 GROUP BY mine.place
"""

_WINDOW_SECONDS = 300
_lock = threading.Lock()
_rate = (float("-inf"), 0.0)


def queue_position(generation: BlogGeneration) -> int:
    """1 starts next; 0 means that it isn't waiting in line."""
    with connection.cursor() as cursor:
        cursor.execute(
            _POSITION,
            {
                "id": generation.pk,
                "site": generation.site_id,
                "priority": generation.priority,
                "fresh": generation.started_at is None,
                "limit": settings.BLOG_QUEUE_LIMIT,
            },
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def seconds_for(blogs: int) -> float:
    """How long that many blogs take to start, by the pace of the last five minutes or what the limits allow."""
    return blogs / _blogs_a_second()


def _blogs_a_second() -> float:
    global _rate
    with _lock:
        read_at, rate = _rate
        if time.monotonic() - read_at > 5:
            rate = max(_measured(), _allowed() / 10)
            _rate = (time.monotonic(), rate)
    return rate


def _measured() -> float:
    """By the busiest minute of the last five, so that a quiet quarter of an hour doesn't look like a slow service."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM blog_generations"
            " WHERE finished_at > (SELECT clock_timestamp() - %s * interval '1 second')"
            " GROUP BY date_trunc('minute', finished_at)) AS minutes",
            [_WINDOW_SECONDS],
        )
        return float(cursor.fetchone()[0]) / 60


def _allowed() -> float:
    """What the provider limits allow: two OpenAI calls a blog, or the tokens that they reserve."""
    openai = settings.RATE_LIMITS["openai"]
    tokens = settings.OPENAI_IDEA_MAX_TOKENS + settings.OPENAI_ARTICLE_MAX_TOKENS["medium"] + 2_000
    blogs_a_minute: float = min(openai["requests"] / 2, openai["tokens"] / tokens)
    return blogs_a_minute / 60
