"""Prepared statements: each session parses and plans them once a minute and not each time, which halves what our longest ones cost.

psycopg2 knows no prepared statements, so this is SQL's own PREPARE and EXECUTE. The plan is made without looking at the parameters
(`plan_cache_mode`, in settings). A plan may be made while the tables are empty, when reading all of them looks cheapest, and then
serve a burst of thousands. So it is made without sequential scans, and again each minute.

Behind PgBouncer each transaction may have another session, so there the statement runs as text. A process that finds itself behind
a pooler which the settings don't name does the same from then on.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from psycopg2 import errors

logger = logging.getLogger(__name__)

_NAMED = re.compile(r"%\((\w+)\)s")
# The session is another than the one that prepared the statement, or one in which another process of ours prepared it.
_NOT_OUR_SESSION = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
# A migration has changed the type of a column that it returns.
_OUTDATED = errors.FeatureNotSupported


class Prepared:
    sessions_are_ours = True

    def __init__(self, name: str, sql: str, *, before: str = "", kept_seconds: float = 60.0) -> None:
        """`sql` has named parameters. PostgreSQL decides their types, so a parameter that may be a fraction needs a cast where a
        whole number would do. `name` is for people who look at what runs. `before`: statements, each with its semicolon, that run
        in the same transaction and round trip. `kept_seconds`: how long a plan is used.
        """
        self.kept_seconds = kept_seconds
        names = list(dict.fromkeys(_NAMED.findall(sql)))
        # Named by its text too, so that the same name never means another release's statement.
        self._name = f"{name}_{hashlib.sha256(sql.encode()).hexdigest()[:12]}"
        numbered = sql % {name: f"${number}" for number, name in enumerate(names, 1)}
        self._prepare = f"PREPARE {self._name} AS {numbered}".replace("%", "%%")
        # Makes the plan that is kept.
        nothing = f" ({', '.join(['NULL'] * len(names))})" if names else ""
        self._plan = f"SET LOCAL enable_seqscan = off; SET LOCAL jit = off; EXPLAIN EXECUTE {self._name}{nothing}"
        values = f" ({', '.join(f'%({name})s' for name in names)})" if names else ""
        self._execute = f"{before}\nEXECUTE {self._name}{values}"
        self._text = f"{before}\n{sql}"
        self._prepared_at: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def execute(self, cursor: Any, parameters: Mapping[str, Any]) -> None:
        """Execute the statement on this cursor.

        In a transaction it may raise OperationalError where the transaction needs only to be tried again.
        """
        if not (settings.DATABASE_KEEPS_SESSIONS and Prepared.sessions_are_ours):
            cursor.execute(self._text, parameters)
            return
        try:
            self._be_prepared(cursor)
            cursor.execute(self._execute, parameters)
        except DatabaseError as error:
            self._learn(cursor, error)
            if connection.in_atomic_block:
                raise OperationalError(f"{self._name} is not prepared in this session any more") from error
            cursor.execute(self._text, parameters)

    def _be_prepared(self, cursor: Any) -> None:
        session, now = cursor.connection, time.monotonic()
        prepared_at = self._prepared_at.get(session)
        if prepared_at is not None and now - prepared_at < self.kept_seconds:
            return
        if prepared_at is not None:
            cursor.execute(f"DEALLOCATE {self._name}")
            del self._prepared_at[session]
        cursor.execute(self._prepare, {})
        self._prepared_at[session] = now
        if connection.in_atomic_block:
            # Settings go back with the savepoint, plans don't.
            cursor.execute(f"SAVEPOINT planning; {self._plan}; ROLLBACK TO planning; RELEASE planning")
        else:
            cursor.execute(self._plan)

    def _learn(self, cursor: Any, error: DatabaseError) -> None:
        """Note what the error says about this session's statements. Raises the error itself if it is about something else."""
        if isinstance(error.__cause__, _NOT_OUR_SESSION):
            Prepared.sessions_are_ours = False
            message = "sessions are not ours: if DATABASE_URL leads to a pooler, set DATABASE_DIRECT_URL"
            logger.warning(message, extra={"action": "unprepared", "statement": self._name})
        elif isinstance(error.__cause__, _OUTDATED) and "cached plan" in str(error):
            self._prepared_at[cursor.connection] = float("-inf")
        else:
            raise error
