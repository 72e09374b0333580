"""Counters in PostgreSQL that all gunicorn processes share: just enough of a cache for django-ratelimit.

It needs `add` and an atomic `incr`. Django's own database cache has no atomic one, and Redis would be one more server to run
for a few counters a minute; where `CACHE_URL` names a Redis, that is used instead. The table is UNLOGGED: after a crash of the
database all counters start again, which lets each site through for at most one minute more.
"""

from __future__ import annotations

import random
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

_ADD = """
INSERT INTO {table} AS counter (key, value, expires_at)
VALUES (%s, %s, clock_timestamp() + %s * interval '1 second')
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
    WHERE counter.expires_at <= clock_timestamp()
"""
_INCR = "UPDATE {table} SET value = value + %s WHERE key = %s AND expires_at > clock_timestamp() RETURNING value"
_GET = "SELECT value FROM {table} WHERE key = %s AND expires_at > clock_timestamp()"
_CLEAN = """
DELETE FROM {table} WHERE key IN (
    SELECT key FROM {table} WHERE expires_at <= clock_timestamp() LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


class CounterCache(BaseCache):
    """Offers `add`, `incr` and `get` of whole numbers; what else a cache does raises NotImplementedError, as in BaseCache.

    Of new keys, one in OPTIONS["CLEAN_EVERY"] also deletes expired ones.
    """

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._table = connection.ops.quote_name(table)
        self._clean_every: int = params.get("OPTIONS", {}).get("CLEAN_EVERY", 100)

    def add(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        added = self._execute(_ADD, self.make_and_validate_key(key, version), value, seconds)[0] == 1
        if added and random.randrange(self._clean_every) == 0:
            self._execute(_CLEAN)
        return added

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        row = self._execute(_INCR, delta, self.make_and_validate_key(key, version))[1]
        if row is None:
            raise ValueError(f"no counter {key!r}")
        return row

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        row = self._execute(_GET, self.make_and_validate_key(key, version))[1]
        return default if row is None else row

    def clear(self) -> None:
        self._execute("DELETE FROM {table}")

    def _execute(self, sql: str, *params: Any) -> tuple[int, int | None]:
        with connection.cursor() as cursor:
            cursor.execute(sql.format(table=self._table), params)
            row = cursor.fetchone() if cursor.description else None
            return cursor.rowcount, row[0] if row else None
