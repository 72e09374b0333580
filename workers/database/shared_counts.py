"""Counts of requests that cost no statement each: every process counts in memory, and adds up with the others once a second.

So all processes together let through what the limit allows, and at most what arrives in a second beyond it. One statement a second
and process, however many requests and sites there are; none while nothing is counted. `counter_cache` is exact and costs two
statements a count: for what is rare, such as wrong passwords. Both keep their rows in the same table.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from workers.context.process_memory import remembered

_EXCHANGE_SECONDS = 1.0
_CLEAN_EVERY = 60
# In the order of their keys, so that two processes never wait for each other's rows in a circle.
_EXCHANGE = """
INSERT INTO {table} AS counter (key, value, expires_at)
SELECT key, sum, clock_timestamp() + seconds * interval '1 second'
  FROM unnest(%s::text[], %s::int[], %s::float[]) AS mine (key, sum, seconds) ORDER BY key
ON CONFLICT (key) DO UPDATE
   SET value = CASE WHEN counter.expires_at > clock_timestamp() THEN counter.value ELSE 0 END + excluded.value,
       expires_at = CASE WHEN counter.expires_at > clock_timestamp() THEN counter.expires_at ELSE excluded.expires_at END
RETURNING key, value
"""
_CLEAN = """
DELETE FROM {table} WHERE key IN (
    SELECT key FROM {table} WHERE expires_at <= clock_timestamp() ORDER BY key LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


@dataclass(slots=True)
class _Count:
    expires_at: float
    # What all processes have counted, as far as this one knows, and what only this one knows of it.
    value: int = 0
    unsent: int = 0


class _Counts:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.by_key: dict[str, _Count] = {}
        self.exchanged_at = float("-inf")
        self.exchanges = 0


_counts = remembered(_Counts())


class SharedCounts(BaseCache):
    """Offers `add` and `incr` of whole numbers, which is what django-ratelimit needs, and `get`."""

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._table = connection.ops.quote_name(table)

    def add(self, key: str, value: int, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        seconds, now = float((self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout) or 0), time.time()
        with _counts.lock:
            known = _counts.by_key.get(key)
            if known and known.expires_at > now:
                return False
            _counts.by_key[key] = _Count(now + seconds, value, value)
        self._exchange_if_due()
        return True

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        with _counts.lock:
            known = self._known(key)
            known.value += delta
            known.unsent += delta
        self._exchange_if_due()
        return known.value

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with _counts.lock:
            try:
                return self._known(key).value
            except ValueError:
                return default

    def _known(self, key: str) -> _Count:
        known = _counts.by_key.get(key)
        if known is None or known.expires_at <= time.time():
            raise ValueError(f"no counter {key!r}")
        return known

    def _exchange_if_due(self) -> None:
        """Once a second, one of the threads that count tells the others' database, and hears what they have counted."""
        with _counts.lock:
            if time.monotonic() - _counts.exchanged_at < _EXCHANGE_SECONDS:
                return
            _counts.exchanged_at = time.monotonic()
            now = time.time()
            _counts.by_key = {key: each for key, each in _counts.by_key.items() if each.expires_at > now}
            sent = {key: (each.unsent, each.expires_at - now) for key, each in _counts.by_key.items() if each.unsent}
            for key in sent:
                _counts.by_key[key].unsent = 0
            _counts.exchanges += 1
            cleans = _counts.exchanges % _CLEAN_EVERY == 1
        told = False
        try:
            heard = self._exchange(sent, cleans=cleans) if sent else {}
            told = True
        finally:
            self._take_in(heard if told else {}, {} if told else sent)

    def _exchange(self, sent: dict[str, tuple[int, float]], *, cleans: bool) -> dict[str, int]:
        with connection.cursor() as cursor:
            if cleans:
                cursor.execute(_CLEAN.format(table=self._table))
            unsent, seconds = zip(*sent.values(), strict=True)
            cursor.execute(_EXCHANGE.format(table=self._table), [list(sent), list(unsent), list(seconds)])
            return dict(cursor.fetchall())

    def _take_in(self, heard: dict[str, int], untold: dict[str, tuple[int, float]]) -> None:
        with _counts.lock:
            for key, (unsent, _) in untold.items():
                if known := _counts.by_key.get(key):
                    known.unsent += unsent
            for key, value in heard.items():
                if known := _counts.by_key.get(key):
                    known.value = value + known.unsent
