"""Django's PostgreSQL backend with pooled connections (`django-db-connection-pool`), whose liveness check costs no round trip."""

from __future__ import annotations

import select
from typing import Any

from dj_db_conn_pool.backends.postgresql.base import DatabaseWrapper as PooledDatabaseWrapper


class _Dialect(PooledDatabaseWrapper.SQLAlchemyDialect):
    def do_ping(self, dbapi_connection: Any) -> bool:
        """False, and the pool connects anew, where a server has closed the connection or said anything unasked: it does so
        only before it goes. A machine that vanished is not noticed here but by the statement that follows, within seconds."""
        waiting = select.poll()
        waiting.register(dbapi_connection.fileno(), select.POLLIN)
        return not dbapi_connection.closed and not waiting.poll(0)


class DatabaseWrapper(PooledDatabaseWrapper):
    SQLAlchemyDialect = _Dialect
