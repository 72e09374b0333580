"""Forecasts where a waiting blog stands in the fair order, and about when it will start."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from blogs.models import BlogGeneration
from blogs.providers import ordinary_blog
from workers.context.process_memory import remembered

# Before a blog go, in the lines of other sites, the starts with a lower turn, and in its own line the blogs that the claim takes
# earlier. A line behind the clock goes on at the clock. Retries and blogs put first move a few: a forecast, not a promise.
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

# The same for several blogs of one site. A blog that has left its line meanwhile has no place.
_POSITIONS = """
WITH clock AS MATERIALIZED (
    SELECT turn FROM blogs_queueclock
), mine AS MATERIALIZED (
    SELECT site_id, greatest(turn, (SELECT turn FROM clock)) AS turn, step FROM blogs_siteline WHERE site_id = %(site)s
), placed AS MATERIALIZED (
    SELECT * FROM (
        SELECT id, row_number() OVER (ORDER BY priority, (started_at IS NULL), id) AS place
          FROM blog_generations WHERE site_id = %(site)s AND ready
         ORDER BY priority, (started_at IS NULL), id LIMIT %(limit)s) AS line
     WHERE id = ANY(%(ids)s)
)
SELECT placed.id, placed.place + coalesce(sum(least(l.waiting, greatest(0,
           ceil((mine.turn + (placed.place - 1) * mine.step - greatest(l.turn, (SELECT turn FROM clock))) / l.step)))), 0)::bigint
  FROM placed CROSS JOIN mine
       LEFT JOIN blogs_siteline l ON l.waiting > 0 AND NOT l.paused AND l.site_id <> mine.site_id
 GROUP BY placed.id, placed.place
"""

_WINDOW_SECONDS = 300
_lock = threading.Lock()


@dataclass(slots=True)
class _Rate:
    blogs_a_second: float = 0.0
    measured_at: float = field(default=float("-inf"))

    def clear(self) -> None:
        self.measured_at = float("-inf")


_rate = remembered(_Rate())


def queue_position(generation: BlogGeneration) -> int:
    """Return its place among all that wait: 1 starts next; 0 means that it is in no line."""
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


def queue_positions(generations: Sequence[BlogGeneration]) -> dict[int, int]:
    """Return the places of blogs of one site that wait in its line, each by the blog's number."""
    if not generations:
        return {}
    if len(generations) == 1:
        return {generations[0].pk: queue_position(generations[0])}
    asked = {
        "site": generations[0].site_id,
        "ids": [each.pk for each in generations],
        "limit": settings.BLOG_QUEUE_LIMIT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, asked)
        return {pk: int(position) for pk, position in cursor.fetchall()}


def seconds_for(blogs: int) -> float:
    """Return the seconds in which that many blogs start, by the pace of the last five minutes or what the limits allow."""
    return blogs / _blogs_a_second()


def _blogs_a_second() -> float:
    with _lock:
        if time.monotonic() - _rate.measured_at > 5:
            _rate.blogs_a_second = max(_measured(), _allowed() / 10)
            _rate.measured_at = time.monotonic()
        return _rate.blogs_a_second


def _measured() -> float:
    """Return the blogs a second of the busiest minute of the last five: a quiet time must not look like a slow service."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM blog_generations"
            " WHERE finished_at > statement_timestamp() - %s * interval '1 second'"
            " GROUP BY date_trunc('minute', finished_at)) AS minutes",
            [_WINDOW_SECONDS],
        )
        return float(cursor.fetchone()[0]) / 60


def _allowed() -> float:
    """Return the blogs a second that OpenAI's limits allow, of those that are reached the soonest."""
    limits, use = settings.RATE_LIMITS["openai"], ordinary_blog.use()
    blogs_a_minute: float = min(limits[what] / use["openai", what] for what in ("requests", "tokens"))
    return blogs_a_minute / 60
