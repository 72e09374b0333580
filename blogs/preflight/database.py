"""What is asked of PostgreSQL, in one short transaction, and what its answers mean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from blogs.preflight.faults import Fault
from blogs.restore import copies

CLOCK_SECONDS_MAX = 60
_VERSION_MIN = 15
_MIGRATE = "Run `python manage.py migrate` of this release, then start its processes."


class Cursor(Protocol):
    """The part of a cursor that is used here, of Django's and of psycopg2's."""

    def execute(self, sql: str, /) -> object: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What a database answered. `clock_ahead`: by how many seconds this machine's clock is ahead of PostgreSQL's."""

    encoding: str
    version: int
    is_read_only: bool
    clock_ahead: float
    backend_pid: int
    connections_max: int
    unapplied: tuple[str, ...]
    workers_alive: int


# The last two columns are tables of ours, if they are there.
_SERVER = """
SELECT current_setting('server_encoding'), current_setting('server_version_num')::int / 10000,
       current_setting('transaction_read_only') = 'on', extract(epoch FROM clock_timestamp())::float, pg_backend_pid(),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true), '0')::int,
       to_regclass('django_migrations') IS NOT NULL, to_regclass('workers_workerprocess') IS NOT NULL
"""
_APPLIED = "SELECT app, name FROM django_migrations"
# As `workers.pool.heartbeat` counts: a worker that has been silent for longer is dead.
_ALIVE = "SELECT count(*) FROM workers_workerprocess WHERE heartbeat_at > clock_timestamp() - interval '30 seconds'"


def look(cursor: Cursor) -> Seen:
    asked_at = time.time()
    cursor.execute(_SERVER)
    encoding, version, is_read_only, clock, pid, connections, has_migrations, has_workers = cursor.fetchone()
    # Between question and answer, the server's clock was read.
    ahead = (asked_at + time.time()) / 2 - clock
    applied: set[tuple[str, str]] = set()
    if has_migrations:
        cursor.execute(_APPLIED)
        applied = {(app, name) for app, name in cursor.fetchall()}
    unapplied = tuple(f"{app}.{name}" for app, name in known_migrations() if (app, name) not in applied)
    alive = 0
    if has_workers:
        cursor.execute(_ALIVE)
        (alive,) = cursor.fetchone()
    return Seen(encoding, version, is_read_only, ahead, pid, connections, unapplied, alive)


@cache
def known_migrations() -> list[tuple[str, str]]:
    """List the migrations that this code brings, by the names of their files. None is imported: that would import all models.

    Those that the database has besides are of a newer release, which old code gets along with.
    """
    found = []
    for entry in settings.INSTALLED_APPS:
        # "django.contrib.admin.apps.SimpleAdminConfig" or just "blogs". An app's label is the last part of its name.
        name = entry.partition(".apps.")[0]
        top, *below = name.split(".")
        spec = find_spec(top)
        for place in (spec and spec.submodule_search_locations) or ():
            files = Path(place, *below, "migrations").glob("[!_]*.py")
            found += [(name.rpartition(".")[2], file.stem) for file in files]
    return sorted(found)


def copied() -> Iterator[Fault]:
    """Ask by Django's own connection, of a database that `faults` finds nothing wrong with."""
    if problem := copies.problem():
        yield Fault("database_copied", problem, "docs/backup.md says more.")


def faults(seen: Seen) -> Iterator[Fault]:
    if seen.encoding != "UTF8":
        message = f"The database is encoded in {seen.encoding}, and texts of shops need UTF8."
        to_do = "Make another: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and move the data with pg_dump."
        yield Fault("database_encoding", message, to_do)
    if seen.version < _VERSION_MIN:
        message = f"PostgreSQL is {seen.version}; {_VERSION_MIN} is the oldest that will do."
        yield Fault("database_version", message, "Upgrade the server.")
    if seen.is_read_only:
        message = "The database takes no writes: a standby, a failover, or a host whose disk is full."
        yield Fault("database_read_only", message, "Name the primary in DATABASE_URL, or let the server take writes.")
    if seen.unapplied:
        count, first = len(seen.unapplied), seen.unapplied[0]
        message = f"{count} migrations are not applied, the first of them {first}."
        yield Fault("migrations_unapplied", message, _MIGRATE)
    if abs(seen.clock_ahead) > CLOCK_SECONDS_MAX:
        way = "ahead of" if seen.clock_ahead > 0 else "behind"
        message = f"This machine's clock is {abs(seen.clock_ahead):.0f} seconds {way} PostgreSQL's."
        to_do = "Correct the one that is wrong (timedatectl, chronyc tracking): with a wrong clock shops' tokens are refused."
        yield Fault("clock_wrong", message, to_do)
