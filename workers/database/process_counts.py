"""What all processes have counted: each writes its own row, and the sum of the rows is the service's number.

A process writes whole numbers since its start and never a difference, so that a write whose answer was lost can be repeated. A
worker's heartbeat carries the write (`pool/heartbeat.py`), which therefore costs no transaction; a web process has a thread for it.
A killed process loses what it has counted since its last write, some seconds; one that ends in order loses nothing.

The row of a process that has ended is added to one row of all the ended ones: by itself at its end, or by the next process that
starts if it was killed. Rows of their own for good were the other way; each
restart would leave some. One row a series that all add to was refused: all processes would wait for each other's locks.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import connection, transaction

from workers import metrics
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY

# The row of those that have ended.
ENDED = uuid.UUID(int=0)
# A row that was not touched for so long is that of a killed process.
_ENDED_AFTER_SECONDS = 3_600
_TOUCH_SECONDS = 600
# A process with gauges, which count for now and not for good, shows more often that it lives.
_TOUCH_GAUGES_SECONDS, _GAUGE_COUNTS_SECONDS = 20, 60
# Between the parts of a series' name: it stands in none of them.
_BETWEEN = "\t"

Counts = Counter[tuple[str, ...]]

# For other statements to carry. Writes nothing where `counts` is NULL.
WRITE = """
UPDATE workers_processcounts SET at = clock_timestamp(), counts = %(counts)s::jsonb
 WHERE process = %(process)s AND %(counts)s::jsonb IS NOT NULL
"""
_BEGIN = "INSERT INTO workers_processcounts (process, at, counts) VALUES (%s, clock_timestamp(), '{}')"
_ENDED_ROW = "INSERT INTO workers_processcounts (process, at, counts) VALUES (%s, clock_timestamp(), '{}') ON CONFLICT DO NOTHING"
_LOCK = "SELECT counts FROM workers_processcounts WHERE process = %s FOR UPDATE"
_TAKE = """
DELETE FROM workers_processcounts
 WHERE process <> %(ended)s
   AND (process = %(process)s OR at < (SELECT clock_timestamp() - %(after)s * interval '1 second'))
RETURNING counts
"""


class Row:
    """This process's row. One thread writes it."""

    def __init__(self) -> None:
        self.process = uuid.uuid4()
        self._begun = False
        # What stands in rows that this process had before: not to be counted twice.
        self._before: Counts = Counter()
        self._written: Counts = Counter()
        self._sent: Counts | None = None
        self._touched_at = time.monotonic()

    def parameters(self) -> dict[str, Any]:
        """Return those of WRITE: nothing to write where nothing was counted since. To be followed by `wrote`."""
        if not self._begun:
            self._begin()
        now = metrics.published()
        touch = _TOUCH_GAUGES_SECONDS if any(now[name,] for name in metrics.GAUGES) else _TOUCH_SECONDS
        is_fresh = time.monotonic() - self._touched_at < touch
        self._sent = None if now == self._written and is_fresh else now
        counts = None if self._sent is None else _text(_less(self._sent, self._before))
        return {"process": str(self.process), "counts": counts}

    def wrote(self, rows: int) -> None:
        """Note that WRITE has changed so many rows. 0: this process was silent for an hour, and was taken for ended."""
        if self._sent is None:
            return
        if rows:
            self._written, self._touched_at = self._sent, time.monotonic()
            return
        self.process, self._before, self._begun = uuid.uuid4(), self._written, False

    def write(self) -> None:
        """Write what was counted since the last time, in a transaction of its own."""
        parameters = self.parameters()
        if parameters["counts"] is not None:
            with connection.cursor() as cursor:
                cursor.execute(WRITE, parameters)
                self.wrote(cursor.rowcount)

    def end(self) -> None:
        """Write the last numbers, and add the row to that of the ended processes."""
        self.write()
        add_ended(self.process)
        self._begun = False
        self.process, self._before = uuid.uuid4(), self._written

    def _begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [self.process])
        self._begun = True


def add_ended(process: uuid.UUID = ENDED) -> int:
    """Add the rows of killed processes, and that of `process`, to the row of the ended ones. Return how many that was."""
    with released_afterwards(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ENDED_ROW, [ENDED])
        cursor.execute(_LOCK, [ENDED])
        total = _counts(cursor.fetchone()[0])
        cursor.execute(_TAKE, {"process": process, "ended": ENDED, "after": _ENDED_AFTER_SECONDS})
        taken = cursor.fetchall()
        for (counts,) in taken:
            total.update(_for_good(_counts(counts)))
        cursor.execute(WRITE, {"process": ENDED, "counts": _text(total)})
    return len(taken)


_NOW = """
SELECT coalesce(sum((counts ->> %s)::bigint), 0) FROM workers_processcounts
 WHERE at > (SELECT clock_timestamp() - %s * interval '1 second')
"""


def now(gauge: str) -> int:
    """Return the sum of a gauge over all processes that live."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW, [gauge, _GAUGE_COUNTS_SECONDS])
        return int(cursor.fetchone()[0])


def totals() -> Counts:
    """Return what all processes have counted, ended ones too. One statement, so that no row is missed or seen twice."""
    total: Counts = Counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT counts FROM workers_processcounts")
        for (counts,) in cursor.fetchall():
            total.update(_counts(counts))
    return total


def keep_written(
    stopping: threading.Event, also: Callable[[], object] = lambda: None, every_seconds: float = 5.0
) -> None:
    """Write this process's row every few seconds until `stopping`, then end it. What an outage keeps back is written after it.

    `also` writes what else the process keeps to be written in its own time.
    """
    row = Row()
    with suppress(*DATABASE_AWAY):
        add_ended()
    while not stopping.wait(every_seconds):
        with suppress(*DATABASE_AWAY), released_afterwards():
            row.write()
            also()
    with suppress(*DATABASE_AWAY), released_afterwards():
        row.end()
        also()


def _for_good(counts: Counts) -> Counts:
    """Leave out gauges: what a process had open ended with it."""
    return Counter({name: number for name, number in counts.items() if name[0] not in metrics.GAUGES})


def _less(counts: Counts, before: Counts) -> Counts:
    before = _for_good(before)
    return Counter({name: number - before[name] for name, number in counts.items()}) if before else counts


def _text(counts: Counts) -> str:
    return json.dumps({_BETWEEN.join(name): number for name, number in counts.items()}, separators=(",", ":"))


def _counts(stored: Any) -> Counts:
    """A plain cursor returns jsonb as text."""
    found = json.loads(stored) if isinstance(stored, str) else stored
    return Counter({tuple(name.split(_BETWEEN)): number for name, number in found.items()})
