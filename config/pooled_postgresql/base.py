"""Django's PostgreSQL backend with pooled connections (`django-db-connection-pool`) and a liveness check without a round trip."""

from __future__ import annotations

import select
from typing import Any

from dj_db_conn_pool.backends.postgresql.base import DatabaseWrapper as PooledDatabaseWrapper


class _Dialect(PooledDatabaseWrapper.SQLAlchemyDialect):
    def do_ping(self, dbapi_connection: Any) -> bool:
        """Return False, so that the pool connects again, if the server has closed the connection or sent something unasked.

        A server sends something unasked only before it goes. A machine that vanished is noticed only by the statement that follows,
        within seconds.
        """
        waiting = select.poll()
        waiting.register(dbapi_connection.fileno(), select.POLLIN)
        return not dbapi_connection.closed and not waiting.poll(0)


class DatabaseWrapper(PooledDatabaseWrapper):
    SQLAlchemyDialect = _Dialect
