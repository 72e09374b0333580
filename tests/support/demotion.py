"""A failover, as our open sessions see it: they stay at the old server, which still answers and takes no more writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from config.pooled_postgresql.base import dispose


def demote() -> None:
    """Let the session that this thread has, or gets from the pool next, take no writes. It goes back to the pool."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION default_transaction_read_only = on")
    connection.close()


@contextmanager
def sessions_of_its_own() -> Iterator[None]:
    """Begin with an empty pool, and leave no demoted session in it."""
    _empty_the_pool()
    try:
        yield
    finally:
        _empty_the_pool()


def _empty_the_pool() -> None:
    connection.close()
    dispose()
