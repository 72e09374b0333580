"""What shops were told of starts and ends, and whether it came true.

A web process writes the promises of some seconds in one statement, on the thread that writes its counts: no request waits for it,
and a killed process loses a few. What an outage keeps back is lost: it is for statistics. A worker's chore compares them with what
became of the blogs, for `/metrics`.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from django.db import connection

from blogs.models import BlogGeneration
from blogs.queue.forecast.calibration import Forecast
from blogs.queue.forecast.ranges import Estimate
from workers import metrics
from workers.context.process_memory import remembered

_HELD_MAX = 10_000
# An error is told as a share of the promised wait, which counts as this at least.
_SHORTEST_SECONDS = 10.0
# What has ended longer ago was judged, or no worker was alive to do it.
_LOOKS_BACK_SECONDS = 900

# A blog's number, four times, and what the two ranges were made of, as PostgreSQL writes arrays.
_Row = tuple[int, datetime, datetime, datetime, datetime, str | None, str | None]
_told: deque[_Row] = remembered(deque(maxlen=_HELD_MAX))

# A blog may have been removed meanwhile; each is told of once.
_WRITE = """
INSERT INTO blogs_promise (generation_id, start_early, start_late, end_early, end_late, start_forecast, end_forecast)
SELECT told.id, told.start_early, told.start_late, told.end_early, told.end_late,
       told.start_forecast::float8[], told.end_forecast::float8[]
  FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[])
       AS told (id, start_early, start_late, end_early, end_late, start_forecast, end_forecast)
 WHERE EXISTS (SELECT 1 FROM blog_generations WHERE blog_generations.id = told.id)
ON CONFLICT DO NOTHING
"""
_JUDGE = """
WITH over AS MATERIALIZED (
    SELECT id, status, created_at, started_at, finished_at FROM blog_generations
     WHERE finished_at > statement_timestamp() - %(back)s * interval '1 second'
), mine AS MATERIALIZED (
    SELECT promise.generation_id FROM over JOIN blogs_promise promise ON promise.generation_id = over.id
     WHERE NOT promise.judged FOR UPDATE OF promise SKIP LOCKED
)
UPDATE blogs_promise promise SET judged = true FROM over
 WHERE promise.generation_id = over.id AND promise.generation_id = ANY(ARRAY(SELECT generation_id FROM mine))
RETURNING over.created_at, over.started_at, CASE WHEN over.status = 'DONE' THEN over.finished_at END,
          promise.start_early, promise.start_late, promise.end_early, promise.end_late
"""
# For statements about what has ended since %(seconds)s seconds: how far off the ends were at the median; NULL where it was few.
MEDIAN_ERROR = f"""
SELECT CASE WHEN count(*) >= 20 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY off) END FROM (
    SELECT abs(extract(epoch FROM ended.finished_at - told.middle))
           / greatest(extract(epoch FROM told.middle - ended.created_at), {_SHORTEST_SECONDS}) AS off
      FROM blog_generations ended JOIN blogs_promise promise ON promise.generation_id = ended.id
           CROSS JOIN LATERAL (SELECT promise.end_early + (promise.end_late - promise.end_early) / 2 AS middle) AS told
     WHERE ended.finished_at > statement_timestamp() - %(seconds)s * interval '1 second' AND ended.status = 'DONE') AS ends
"""


def note(generation: BlogGeneration, estimate: Estimate) -> None:
    """Keep what is just being told of a new blog, to be written soon."""
    start, end = estimate.start, estimate.end
    if start and end:
        made_of = (_array(estimate.told_start), _array(estimate.told_end))
        _told.append((generation.pk, start.early, start.late, end.early, end.late, *made_of))


def _array(forecast: Forecast | None) -> str | None:
    return f"{{{forecast.middle:.3f},{forecast.before:.3f},{forecast.behind:.3f}}}" if forecast else None


def write() -> int:
    """Write what was told since the last time. Return how many promises that was."""
    rows = []
    while _told:
        rows.append(_told.popleft())
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [list(column) for column in zip(*rows, strict=True)])
    return len(rows)


def judge() -> None:
    """Count the promises for blogs that have ended since: inside their ranges, before or behind, and how far off."""
    with connection.cursor() as cursor:
        cursor.execute(_JUDGE, {"back": _LOOKS_BACK_SECONDS})
        for created, started, done, *told in cursor.fetchall():
            _count("start", created, started, *told[:2])
            _count("end", created, done, *told[2:])


def _count(what: str, created: datetime, truth: datetime | None, early: datetime, late: datetime) -> None:
    if truth is None:
        return
    # Ranges are told in whole seconds.
    outcome = (
        "before"
        if truth < early - timedelta(seconds=1)
        else "behind"
        if truth > late + timedelta(seconds=1)
        else "inside"
    )
    metrics.count(metrics.ESTIMATES, what, outcome)
    metrics.observe(metrics.ESTIMATE_ERROR, what, seconds=error(created, truth, early, late))


def error(created: datetime, truth: datetime, early: datetime, late: datetime) -> float:
    """Return how far the truth is from the middle of the range, as a share of the wait until that middle."""
    middle = early + (late - early) / 2
    return abs((truth - middle).total_seconds()) / max((middle - created).total_seconds(), _SHORTEST_SECONDS)
