"""Which database this is: the one that workers have worked on, a copy of it, or the same one on a server that was promoted.

A copy of the database knows nothing of what the original did after it was made. Work that was done in that time would be done
again, and numbers that were given out would be given out again. So one row holds what a copy can't carry along. Each start of a
worker compares it, and workers renew it once a minute:

    the server's system identifier    another after a restore into another server, and after pg_upgrade
    the database's oid                another after CREATE DATABASE, with or without a template
    the table's own oid               another after pg_restore, even into the same database
    the server's timeline             higher after a failover, and after a recovery to a point in time

The first three say COPIED. The timeline alone says PROMOTED: the same cluster, which may have lost its last commits. A server that
denies one of them (managed ones may) is told by the others: what is not known on either side counts as the same. A database
without the row is NEW: its first worker writes it. A template for tests, in which no worker ever ran, has none.

Not told: a snapshot of the server's storage, or of its virtual machine, that is started again without a recovery. All four are the
same there. Nor a dump that was made before there was such a row. Who restores one of those runs `after_restore --undetected`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from django.db import NotSupportedError, ProgrammingError, connection, transaction

from workers.context.process_memory import remembered

# Any number that nothing else uses as an advisory lock in this database.
_LOCK = 7_249_002

_DATABASE = "(SELECT oid::bigint FROM pg_database WHERE datname = current_database())"
_TABLE = "'workers_installation'::regclass::oid::bigint"
# What a server may deny, each with what stands in for it.
_SYSTEM = ("(SELECT system_identifier::text FROM pg_control_system())", "''")
# Of the log that is written now. What pg_control_checkpoint() says stays behind until the first checkpoint after a promotion. A
# standby writes none; what it refuses to a worker is the first write.
_TIMELINE = (
    "CASE WHEN NOT pg_is_in_recovery() THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END",
    "NULL::bigint",
)

_readable: dict[str, str] = remembered({})


class Verdict(Enum):
    NEW = auto()
    SAME = auto()
    PROMOTED = auto()
    COPIED = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database stands."""

    system: str
    database: int
    table: int
    timeline: int | None


@dataclass(frozen=True, slots=True)
class Found:
    verdict: Verdict
    here: Place
    before: Place | None
    renewed_at: datetime | None
    renewed_seconds_ago: float
    """By PostgreSQL's clock; 0 for a database that is NEW."""


def look() -> Found:
    """Compare where the database stands with where it stood."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_here()}, system, database, table_oid, timeline, renewed_at,"
            " coalesce(extract(epoch FROM clock_timestamp() - renewed_at), 0)::float"
            " FROM (SELECT) AS always LEFT JOIN workers_installation ON id = 1"
        )
        row = cursor.fetchone()
    here, renewed_at, seconds = Place(*row[:4]), row[8], row[9]
    before = Place(*row[4:8]) if renewed_at else None
    return Found(_verdict(here, before), here, before, renewed_at, seconds)


def renew(found: Found) -> None:
    """Store that the database still stands where it stood. Of workers that start on a NEW one at once, the first writes the row."""
    values = _values(found.here)
    with connection.cursor() as cursor:
        if found.verdict is Verdict.NEW:
            cursor.execute(f"{_INSERT} ON CONFLICT (id) DO NOTHING", values)
        else:
            # Only where it stands: another process may have settled it elsewhere since we looked.
            cursor.execute(_RENEW, {**values, "before": found.before.timeline if found.before else None})


def settle(here: Place) -> None:
    """Store that this is the database to work on from now on. Needs the lock."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT} {_SETTLE}", _values(here))


def lock() -> None:
    """Let one process at a time settle a database, until the end of its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


_INSERT = """
INSERT INTO workers_installation (id, system, database, table_oid, timeline, renewed_at)
VALUES (1, %(system)s, %(database)s, %(table)s, %(timeline)s, clock_timestamp())
"""
_SETTLE = """
ON CONFLICT (id) DO UPDATE
   SET system = excluded.system, database = excluded.database, table_oid = excluded.table_oid, timeline = excluded.timeline,
       renewed_at = excluded.renewed_at, settled_at = excluded.renewed_at
"""
_RENEW = """
UPDATE workers_installation
   SET renewed_at = clock_timestamp(), system = coalesce(nullif(%(system)s, ''), system),
       timeline = coalesce(%(timeline)s, timeline)
 WHERE table_oid = %(table)s AND database = %(database)s AND timeline IS NOT DISTINCT FROM %(before)s
"""


def _verdict(here: Place, before: Place | None) -> Verdict:
    if before is None:
        return Verdict.NEW
    same_server = here.system == before.system or not (here.system and before.system)
    if not same_server or (here.database, here.table) != (before.database, before.table):
        return Verdict.COPIED
    if here.timeline != before.timeline and here.timeline is not None and before.timeline is not None:
        return Verdict.PROMOTED
    return Verdict.SAME


def _values(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in Place.__slots__}


def _here() -> str:
    return ", ".join([_that_is_readable(*_SYSTEM), _DATABASE, _TABLE, _that_is_readable(*_TIMELINE)])


def _that_is_readable(expression: str, otherwise: str) -> str:
    """Return the expression if the server gives it to us, or what stands in for it. Each process tries once."""
    if expression not in _readable:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {expression}")
        except (ProgrammingError, NotSupportedError):
            _readable[expression] = otherwise
        else:
            _readable[expression] = expression
    return _readable[expression]
