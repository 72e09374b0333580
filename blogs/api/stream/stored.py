"""Reads stored events: those that a listener has missed, and the new ones of all blogs at once, in an order that skips none.

An event's number is drawn before its transaction commits. So 105 may be there before 103 is, and who has told 105 and goes on
behind it never tells 103. `Tail` therefore waits at a gap until no transaction is left that may fill it: those that held the
table's lock for writers when the gap was seen. PostgreSQL gives that lock before it draws a number, and takes it back after the
rows can be seen. A gap of a transaction that was rolled back ends in the same way. Refused: to wait for a fixed time, which a
stopped process outlasts; and to compare transaction numbers (`pg_snapshot_xmin`), by which each long transaction of an operator
would stop all streams.

Reading by number costs the moves of blogs nothing, and nothing at all while there is no listener. A NOTIFY for each event would
cost each move a transaction, and within the move's own it makes all commits wait for each other (`workers/database/wakeup.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from blogs.api.stream.wording import FINAL, MOVES, Happened

_MOVING = ", ".join(f"'{kind}'" for kind in MOVES)
# What an event that moves nothing finds its blog at: the last one before it that did.
_COLUMNS = f"""
SELECT e.id, e.generation_id, g.site_id, g.publish, e.kind,
       CASE WHEN e.kind IN ({_MOVING}) THEN e.kind ELSE coalesce((
           SELECT m.kind FROM blogs_generationevent m
            WHERE m.generation_id = e.generation_id AND m.id < e.id AND m.kind IN ({_MOVING})
            ORDER BY m.id DESC LIMIT 1), 'submitted') END,
       e.stage, e.attempt, e.code, e.message, e.created_at,
       e.kind = 'checkpoint' AND e.stage = 'publish' AND EXISTS (
           SELECT FROM blogs_stageoutput o
            WHERE o.generation_id = e.generation_id AND o.stage = 'publish' AND o.output ->> 'post_id' <> '')
  FROM blogs_generationevent e JOIN blog_generations g ON g.id = e.generation_id
"""
_NEW = f"{_COLUMNS} WHERE e.id > %s ORDER BY e.id LIMIT %s"
_OF_BLOG = f"{_COLUMNS} WHERE e.generation_id = %s AND e.id > %s AND e.id <= %s ORDER BY e.id LIMIT %s"
# The bounds are of numbers, so that no more than LIVE_EVENTS_RESUME_MAX events of all sites are looked at.
_OF_SITE = f"{_COLUMNS} WHERE g.site_id = %s AND e.id > %s AND e.id <= %s ORDER BY e.id LIMIT %s"
_LAST_MOVE = f"""
SELECT kind FROM blogs_generationevent
 WHERE generation_id = %s AND id <= %s AND kind IN ({_MOVING}) ORDER BY id DESC LIMIT 1
"""
_HIGHEST = "SELECT coalesce(max(id), 0) FROM blogs_generationevent"
_COUNTED = "SELECT count(*) FROM (SELECT FROM blogs_generationevent WHERE id > %s AND id <= %s LIMIT %s) AS counted"
_WRITING = """
SELECT virtualtransaction FROM pg_locks
 WHERE locktype = 'relation' AND relation = 'blogs_generationevent'::regclass AND mode = 'RowExclusiveLock' AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
PAGE = 500


class Tail:
    """What comes in after the moment when it was first read. For one thread."""

    def __init__(self) -> None:
        self.position: int | None = None
        """All events up to this number are decided: they were told, or will never be there. None: not known yet."""
        self._seen = 0
        self._writers: frozenset[str] = frozenset()

    @property
    def waits(self) -> bool:
        """Tell whether it was held up: by transactions that take milliseconds, so that it is worth reading again soon."""
        return self.position is None or self._seen > self.position

    def read(self) -> list[Happened]:
        """Return what is new, by number. Empty: nothing is, or it may not be told yet."""
        with connection.cursor() as cursor:
            if self.position is None and not self._seen:
                return self._begin(cursor)
            if self._writers:
                self._writers &= _writing(cursor)
            decided = 0 if self._writers else self._seen
            position = decided if self.position is None else self.position
            if self.position is None and self._writers:
                return []
            found = _events(cursor, _NEW, [position, PAGE])
            told = _in_order(found, position, decided)
            if len(told) < len(found) and not self._writers:
                self._look_at_gap(cursor, found[-1].id)
        # Only when nothing can fail any more: what is behind the position is never read again.
        self.position = told[-1].id if told else position
        return told

    def _begin(self, cursor: CursorWrapper) -> list[Happened]:
        """Find where to begin. Only after the highest number is it asked who writes, for numbers below it."""
        self._look_at_gap(cursor, _one(cursor, _HIGHEST, []))
        if not self._writers:
            self.position = self._seen
        return []

    def _look_at_gap(self, cursor: CursorWrapper, seen: int) -> None:
        self._seen, self._writers = seen, _writing(cursor)


def missed(*, site: int, blog: int | None, after: int, upto: int) -> list[Happened]:
    """Return the first page of the events of a blog, or of a site, between two numbers of which the second is decided."""
    statement, whose = (_OF_SITE, site) if blog is None else (_OF_BLOG, blog)
    with connection.cursor() as cursor:
        return _events(cursor, statement, [whose, after, upto, PAGE])


def is_over(blog: int, upto: int) -> bool:
    """Tell whether a blog had come to its end by this number."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_MOVE, [blog, upto])
        last = cursor.fetchone()
    return last is not None and MOVES[last[0]] in FINAL


def are_more_than(most: int, after: int, upto: int) -> bool:
    """Tell whether there are more events than that between two numbers."""
    with connection.cursor() as cursor:
        return _one(cursor, _COUNTED, [after, upto, most + 1]) > most


def highest() -> int:
    """Return the highest number that can be seen."""
    with connection.cursor() as cursor:
        return _one(cursor, _HIGHEST, [])


def _in_order(found: Sequence[Happened], position: int, decided: int) -> list[Happened]:
    """Return the events up to the first gap that is not decided."""
    told = list[Happened]()
    for event in found:
        if event.id != position + 1 and event.id > decided:
            break
        position = event.id
        told.append(event)
    return told


def _events(cursor: CursorWrapper, statement: str, values: list[Any]) -> list[Happened]:
    cursor.execute(statement, values)
    return [Happened(*row) for row in cursor.fetchall()]


def _one(cursor: CursorWrapper, statement: str, values: list[Any]) -> int:
    cursor.execute(statement, values)
    return int(cursor.fetchone()[0])


def _writing(cursor: CursorWrapper) -> frozenset[str]:
    cursor.execute(_WRITING)
    return frozenset(writer for (writer,) in cursor.fetchall())
