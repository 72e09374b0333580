"""A bounded pool of a process's sessions at PostgreSQL, for its threads: each holds one only while it uses it.

The session that was used last is given out first. What has not been needed for a while is closed when another is given back, so a
process that does little keeps no more sessions than it uses at once. (SQLAlchemy's pool did this before, but took 13 MB of each
process for it, and an idle worker may have 105.)
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import psycopg2
import psycopg2.extensions
from django.db.utils import OperationalError

Session = psycopg2.extensions.connection

# A session that nothing has needed for this long is closed.
_IDLE_SECONDS = 60.0


class PoolExhausted(OperationalError):
    """No session was given back in time."""


class SessionPool:
    def __init__(
        self,
        opened: Callable[[], Session],
        *,
        size: int,
        overflow: int,
        timeout_seconds: float,
        recycle_seconds: float,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        """At most `size` sessions are kept, and at most `overflow` more are open at once.

        A thread waits `timeout_seconds` for one. A session is used for `recycle_seconds`, so that no server keeps one for ever.
        """
        self._opened = opened
        self._size, self._most = size, size + overflow
        self._timeout_seconds, self._recycle_seconds, self._idle_seconds = (
            timeout_seconds,
            recycle_seconds,
            idle_seconds,
        )
        self._changed = threading.Condition()
        # Those that are not in use, with the time since when, the newest last.
        self._free: deque[tuple[Session, float]] = deque()
        self._born: dict[Session, float] = {}
        self._count = 0
        self._not_before = float("-inf")

    def take(self) -> Session:
        """Return a session of the caller's own. Raises PoolExhausted, or what psycopg2 raises where none can be opened."""
        session = self._free_one()
        if session is not None:
            if self._is_good(session):
                return session
            _close(session)
            self._born.pop(session, None)
        # Before it is opened: what is distrusted meanwhile may be the server that it leads to.
        born = time.monotonic()
        try:
            session = self._opened()
        except BaseException:
            self._leave()
            raise
        self._born[session] = born
        return session

    def give_back(self, session: Session, *, keep: bool = True) -> None:
        """Take a session back, without what a transaction has left open. It is closed where it is not to be kept."""
        keep = keep and not session.closed and self._is_clean(session)
        too_many: list[Session] = []
        with self._changed:
            if keep and len(self._free) < self._size:
                self._free.append((session, time.monotonic()))
            else:
                too_many.append(session)
            # The coldest come first.
            while self._free and self._free[0][1] < time.monotonic() - self._idle_seconds:
                too_many.append(self._free.popleft()[0])
            self._count -= len(too_many)
            for each in too_many:
                self._born.pop(each, None)
            self._changed.notify()
        for each in too_many:
            _close(each)

    def distrust_older(self) -> None:
        """Let no session be used again that is open by now."""
        self._not_before = time.monotonic()

    def dispose(self) -> None:
        """Close all that are not in use, and those in use when they come back."""
        self.distrust_older()
        with self._changed:
            free = [session for session, _ in self._free]
            self._free.clear()
            self._count -= len(free)
            for session in free:
                self._born.pop(session, None)
            self._changed.notify_all()
        for session in free:
            _close(session)

    def _free_one(self) -> Session | None:
        """Take one that is free; None: the caller may open one."""
        give_up_at = time.monotonic() + self._timeout_seconds
        with self._changed:
            while not self._free and self._count >= self._most:
                if (left := give_up_at - time.monotonic()) <= 0:
                    raise PoolExhausted(f"all {self._most} sessions are in use since {self._timeout_seconds:g} s")
                self._changed.wait(left)
            if self._free:
                return self._free.pop()[0]
            self._count += 1
            return None

    def _leave(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

    def _is_good(self, session: Session) -> bool:
        """Say, without a round trip, that a session can be used: the server has neither closed it nor sent something unasked.

        A server sends something unasked only before it goes. A machine that vanished is noticed only by the statement that follows,
        within seconds.
        """
        born = self._born.get(session, float("-inf"))
        if session.closed or born < self._not_before or time.monotonic() - born > self._recycle_seconds:
            return False
        waiting = select.poll()
        waiting.register(session.fileno(), select.POLLIN)
        return not waiting.poll(0)

    def _is_clean(self, session: Session) -> bool:
        if self._born.get(session, float("-inf")) < self._not_before:
            return False
        try:
            if session.get_transaction_status() != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                session.rollback()
        except psycopg2.Error:
            return False
        return session.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE


def _close(session: Session) -> None:
    with suppress(psycopg2.Error):
        session.close()
