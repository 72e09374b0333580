"""Django's PostgreSQL backend with pooled connections (`django-db-connection-pool`), and three things of our own.

It checks without a round trip that a pooled session lives. It raises OperationalError for each error by which a server says that it
can't serve now, also where psycopg2 knows another class for it. And it throws the session away in which that was said.
"""

from __future__ import annotations

import select
from types import TracebackType
from typing import Any

import psycopg2
from dj_db_conn_pool.backends.postgresql.base import DatabaseWrapper as PooledDatabaseWrapper
from dj_db_conn_pool.core import pool_container
from django.db.utils import DatabaseErrorWrapper, OperationalError
from django.utils.functional import cached_property

from workers.database import outage


class _Dialect(PooledDatabaseWrapper.SQLAlchemyDialect):
    def do_ping(self, dbapi_connection: Any) -> bool:
        """Return False, so that the pool connects again, if the server has closed the connection or sent something unasked.

        A server sends something unasked only before it goes. A machine that vanished is noticed only by the statement that follows,
        within seconds.
        """
        waiting = select.poll()
        waiting.register(dbapi_connection.fileno(), select.POLLIN)
        return not dbapi_connection.closed and not waiting.poll(0)


class _Errors(DatabaseErrorWrapper):
    """Raises Django's error for psycopg2's, and OperationalError for an outage: psycopg2 takes a server that has become read-only
    for an "internal error", which no code waits for."""

    wrapper: DatabaseWrapper

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg2.Error) and outage.cannot_serve(error):
            outage.note(error)
            self.wrapper.give_session_up(with_older_ones=outage.concerns_all_sessions(error))
            raise OperationalError(*error.args).with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)


class DatabaseWrapper(PooledDatabaseWrapper):
    SQLAlchemyDialect = _Dialect

    _given_up = False

    @cached_property
    def wrap_database_errors(self) -> _Errors:
        return _Errors(self)

    def give_session_up(self, *, with_older_ones: bool) -> None:
        """Let this session be closed as soon as no transaction needs it, instead of going back into the pool.

        `with_older_ones`: so are all that were opened before it, when they are asked for next. They lead to the same server.
        """
        if self.connection is None:
            return
        self._given_up = True
        if with_older_ones:
            # SQLAlchemy's own engine calls it where it finds a session disconnected. Without an engine it is for us to do.
            pool_container.get(self.alias)._invalidate(self.connection, _checkin=False)

    def ensure_connection(self) -> None:
        if self._given_up and self.autocommit:
            self.close()
        super().ensure_connection()

    def _close(self) -> None:
        given_up, self._given_up = self._given_up, False
        if given_up and self.connection is not None:
            self.connection.invalidate()
        super()._close()
