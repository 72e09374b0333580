"""Django's PostgreSQL backend with pooled sessions, and two things more of our own.

It raises OperationalError for each error by which a server says that it can't serve now, also where psycopg2 knows another class
for it. And it throws the session away in which that was said.
"""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any

import psycopg2
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.postgresql.creation import DatabaseCreation as PostgresCreation
from django.db.utils import DatabaseErrorWrapper, OperationalError
from django.utils.functional import cached_property

from workers.database import outage
from workers.database.session_pool import SessionPool

_pools: dict[str, SessionPool] = {}
_making = threading.Lock()
# A fork must not use the sockets of its parent, whose sessions they are.
os.register_at_fork(after_in_child=_pools.clear)


def pool(alias: str = "default") -> SessionPool | None:
    """Return the pool of this process; None before its first session."""
    return _pools.get(alias)


def dispose() -> None:
    """Close all sessions that are not in use: no database can be copied or dropped that is used."""
    for each in list(_pools.values()):
        each.dispose()
    _pools.clear()


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


class DatabaseCreation(PostgresCreation):
    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        dispose()
        super()._destroy_test_db(test_database_name, verbosity)  # type: ignore[misc]


class DatabaseWrapper(base.DatabaseWrapper):
    creation_class = DatabaseCreation

    _given_up = False
    _pool: SessionPool | None = None
    """The pool that this wrapper's session comes from."""
    _lent: weakref.finalize[..., Any] | None = None
    """Gives the session back where a thread ends that has not."""

    @cached_property
    def wrap_database_errors(self) -> _Errors:
        return _Errors(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.alias == NO_DB_ALIAS:
            return super().get_new_connection(conn_params)
        with _making:
            if self.alias not in _pools:
                options = self.settings_dict["POOL_OPTIONS"]
                new = super().get_new_connection
                _pools[self.alias] = SessionPool(lambda: new(conn_params), **options)
            self._pool = _pools[self.alias]
        session = self._pool.take()
        self._lent = weakref.finalize(self, self._pool.give_back, session, keep=False)
        self._lent.atexit = False
        return session

    def give_session_up(self, *, with_older_ones: bool) -> None:
        """Let this session be closed as soon as no transaction needs it, instead of going back into the pool.

        `with_older_ones`: so are all that were opened before it, when they are asked for next. They lead to the same server.
        """
        if self.connection is None:
            return
        self._given_up = True
        if with_older_ones and self._pool:
            self._pool.distrust_older()

    def ensure_connection(self) -> None:
        if self._given_up and self.autocommit:
            self.close()
        super().ensure_connection()

    def _close(self) -> None:
        given_up, self._given_up = self._given_up, False
        if self._pool is None:
            super()._close()  # type: ignore[misc]
        elif self.connection is not None:
            if self._lent:
                self._lent.detach()
            # Within a transaction Django goes on with this session, which must fail.
            self._pool.give_back(self.connection, keep=not given_up and not self.in_atomic_block)
