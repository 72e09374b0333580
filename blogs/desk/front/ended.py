"""What ended lately, in one statement: how many blogs a minute, which errors, and how long the stages took.

No counter is kept for it. By its index the last hour's blogs are read in 1 ms at 4,300 an hour; a day's are 45 ms, so a process
remembers the quarters of an hour that are over, and reads each once. (A table of counters, to which each blog's end would add, was
refused: all ends would wait for each other's locks.) A blog that staff retry leaves the hour, but not a quarter that is remembered.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from blogs.models import Stage, Status
from workers.context.process_memory import remembered

HOUR = timedelta(hours=1)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
MINUTES, QUARTERS = 60, 96
# A transaction that is late may still bring a blog to a quarter that is over.
_LATE = timedelta(minutes=1)
# The newest blogs whose stages are timed: enough for a percentile, and few enough for a page.
_TIMED = 300
# From its start to its end, by the side of the stages.
WHOLE = "the whole blog"

Counts = Counter[tuple[datetime, str]]
"""How many blogs ended in this minute or quarter, and how."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The blogs that failed with this code within the last hour."""

    code: str
    count: int
    shops: int


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds that a stage took, by the newest blogs of the last hour."""

    stage: str
    count: int
    median: float
    p95: float


@dataclass(slots=True)
class Ended:
    now: datetime = field(default_factory=timezone.now)
    minutes: Counts = field(default_factory=Counter)
    quarters: Counts = field(default_factory=Counter)
    failures: list[Failures] = field(default_factory=list)
    durations: list[Duration] = field(default_factory=list)

    def a_minute(self, minutes: int) -> float:
        """Return how many blogs a minute ended, done or failed, within the last whole minutes, as many as `minutes`."""
        first = floor(self.now, MINUTE) - minutes * MINUTE
        whole = [first + place * MINUTE for place in range(minutes)]
        return sum(self.minutes[at, status] for at in whole for status in (Status.DONE, Status.FAILED)) / minutes


class _Quarters:
    """The quarters of an hour that are over: each is counted once and for all."""

    def __init__(self) -> None:
        self.counts: Counts = Counter()
        self.until: datetime | None = None
        self.lock = threading.Lock()

    def clear(self) -> None:
        self.counts, self.until = Counter(), None

    def since(self, now: datetime) -> datetime:
        """Say from when on blogs must be read."""
        day, hour = floor(now, QUARTER) - (QUARTERS - 1) * QUARTER, floor(now - HOUR, QUARTER)
        return min(max(self.until or day, day), hour)

    def add(self, since: datetime, now: datetime, minutes: Counts) -> Counts:
        """Take in what was read from `since` on, and return the whole day."""
        read: Counts = Counter()
        for (at, status), count in minutes.items():
            read[floor(at, QUARTER), status] += count
        with self.lock:
            kept = Counter(
                {key: count for key, count in self.counts.items() if now - key[0] < timedelta(days=1, hours=1)}
            )
            day = Counter({key: count for key, count in kept.items() if key[0] < since}) + read
            over = floor(now - _LATE, QUARTER)
            if self.until is None or over > self.until:
                self.until = over
            self.counts = Counter({key: count for key, count in day.items() if key[0] < self.until})
        return day


_quarters = remembered(_Quarters())

# Events of a blog follow each other, so a stage took as long as lies between its checkpoint and the event before it: the attempt's
# start, or the stage before.
ENDED = """
WITH ended AS MATERIALIZED (
    SELECT id, site_id, status, error_code, started_at, finished_at FROM blog_generations WHERE finished_at >= %(since)s
), newest AS MATERIALIZED (
    SELECT id, started_at, finished_at FROM ended
     WHERE status = 'DONE' AND finished_at > statement_timestamp() - interval '1 hour' ORDER BY finished_at DESC LIMIT %(timed)s
), steps AS (
    SELECT event.stage, event.kind, extract(epoch FROM event.created_at - lag(event.created_at) OVER blog)::float8 AS took,
           lag(event.kind) OVER blog AS before
      FROM newest JOIN blogs_generationevent event ON event.generation_id = newest.id
    WINDOW blog AS (PARTITION BY event.generation_id ORDER BY event.id)
), timed AS (
    SELECT stage, took FROM steps WHERE kind = 'checkpoint' AND before IN ('started', 'checkpoint', 'warning')
    UNION ALL
    SELECT %(whole)s, extract(epoch FROM finished_at - started_at)::float8 FROM newest WHERE started_at IS NOT NULL
)
SELECT 'now' AS what, '' AS name, statement_timestamp() AS at, 0 AS count, 0 AS shops, 0::float8 AS median, 0::float8 AS p95
UNION ALL
SELECT 'minute', status, date_bin('1 minute', finished_at, '2000-01-01 00:00+00') AS at, count(*), 0, 0, 0
  FROM ended GROUP BY status, at
UNION ALL
SELECT 'failure', error_code, NULL, count(*), count(DISTINCT site_id), 0, 0
  FROM ended WHERE status = 'FAILED' AND finished_at > statement_timestamp() - interval '1 hour' GROUP BY error_code
UNION ALL
SELECT 'stage', stage, NULL, count(*), 0, percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY took)
  FROM timed GROUP BY stage
"""


def read() -> Ended:
    since = _quarters.since(timezone.now())
    found = Ended()
    with connection.cursor() as cursor:
        cursor.execute(ENDED, {"since": since, "timed": _TIMED, "whole": WHOLE})
        for what, name, at, count, shops, median, p95 in cursor.fetchall():
            match what:
                case "now":
                    found.now = at
                case "minute":
                    found.minutes[at, name] = count
                case "failure":
                    found.failures.append(Failures(name, count, shops))
                case "stage":
                    found.durations.append(Duration(name, count, median, p95))
    found.quarters = _quarters.add(since, found.now, found.minutes)
    found.failures.sort(key=lambda each: (-each.count, each.code))
    order = [*Stage.values, WHOLE]
    found.durations.sort(key=lambda each: order.index(each.stage) if each.stage in order else len(order))
    return found


def floor(moment: datetime, unit: timedelta) -> datetime:
    """Go back to where this minute or quarter of an hour began."""
    whole_hour = moment.replace(minute=0, second=0, microsecond=0)
    return whole_hour + (moment - whole_hour) // unit * unit
