"""A database whose clock is a number of ours: every statement of the product runs unmodified, at the simulation's time.

PostgreSQL looks for functions in `pg_catalog` first, unless the search path names it later: behind the schema `day` here, whose
`clock_timestamp()` reads a setting of the session. Column defaults were bound to the real `now()` when the tables were made, so
they are replaced. Python's own clock isn't touched: `day_simulation` replaces what asks it in the product.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import connection

# A Monday. Times of the simulation are seconds since its midnight.
_MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC).timestamp()

_INSTALL = """
CREATE SCHEMA day;
CREATE FUNCTION day.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT to_timestamp(current_setting('day.now')::float8) $$;
CREATE FUNCTION day.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT to_timestamp(current_setting('day.now')::float8) $$;
CREATE FUNCTION day.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT to_timestamp(current_setting('day.now')::float8) $$;
"""

_DEFAULTS = """
SELECT format('ALTER TABLE %I ALTER COLUMN %I SET DEFAULT day.clock_timestamp()', table_name, column_name)
  FROM information_schema.columns
 WHERE table_schema = 'public' AND column_default ~ '(now|statement_timestamp|clock_timestamp)\\(\\)|CURRENT_TIMESTAMP'
"""


class Clock:
    """What time it is in the simulation. Once installed, every statement on this thread's connection carries it along."""

    def __init__(self) -> None:
        self.now = 0.0

    def moment(self) -> datetime:
        return datetime.fromtimestamp(_MIDNIGHT + self.now, UTC)

    def install(self) -> None:
        """On this thread's connection, which must be the only one that the simulation uses."""
        with connection.cursor() as cursor:
            cursor.execute(_INSTALL)
            cursor.execute(_DEFAULTS)
            for (change,) in cursor.fetchall():
                cursor.execute(change)
            cursor.execute("SET search_path = day, public, pg_catalog")
        connection.execute_wrappers.append(self._at_this_time)

    def uninstall(self) -> None:
        connection.execute_wrappers.remove(self._at_this_time)
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")

    def _at_this_time(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """In the same string as the statement: a round trip of its own would cost as much as the statement, and a rolled back
        transaction would turn the clock back."""
        return execute(f"SET day.now = {_MIDNIGHT + self.now:.6f}; {sql}", params, many, context)


def seconds(moment: datetime) -> float:
    """A time that the database has noted, in seconds since the simulation's midnight."""
    return moment.timestamp() - _MIDNIGHT
