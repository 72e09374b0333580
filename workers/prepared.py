"""A statement that each session parses and plans once a minute, and not each time: half of what our longest ones cost.

psycopg2 knows no prepared statements, so this is SQL's own PREPARE and EXECUTE. Behind PgBouncer, where each transaction may have
another session, the statement runs as text. The plan is made without looking at the parameters (`plan_cache_mode`, in settings),
and anew each minute, because it may have been made while the tables were empty.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError
from psycopg2 import errors

_KEPT_SECONDS = 60
_NAMED = re.compile(r"%\((\w+)\)s")


class Prepared:
    def __init__(self, sql: str, *, before: str = "") -> None:
        """`sql` with named parameters. `before`: statements, each with its semicolon, in the same transaction and round trip."""
        names = list(dict.fromkeys(_NAMED.findall(sql)))
        # By its text, so that no other release of ours can mean another statement.
        self._name = f"blogs_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
        numbered = sql % {name: f"${number}" for number, name in enumerate(names, 1)}
        self._prepare = f"PREPARE {self._name} AS {numbered}".replace("%", "%%")
        self._execute = f"{before}\nEXECUTE {self._name} ({', '.join(f'%({name})s' for name in names)})"
        self._text = f"{before}\n{sql}"
        self._prepared_at: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def execute(self, cursor: Any, parameters: Mapping[str, Any]) -> None:
        """As `cursor.execute`."""
        if not settings.DATABASE_KEEPS_SESSIONS:
            cursor.execute(self._text, parameters)
            return
        try:
            self._be_prepared(cursor)
            cursor.execute(self._execute, parameters)
        except DatabaseError as error:
            if not isinstance(error.__cause__, errors.InvalidSqlStatementName | errors.DuplicatePreparedStatement):
                raise
            # A pooler that we were not told of gave us another session.
            self._prepared_at.pop(cursor.connection, None)
            cursor.execute(self._text, parameters)

    def _be_prepared(self, cursor: Any) -> None:
        session, now = cursor.connection, time.monotonic()
        prepared_at = self._prepared_at.get(session)
        if prepared_at is not None and now - prepared_at < _KEPT_SECONDS:
            return
        if prepared_at is not None:
            del self._prepared_at[session]
            cursor.execute(f"DEALLOCATE {self._name}")
        cursor.execute(self._prepare, {})
        self._prepared_at[session] = now
