"""Wake-ups by LISTEN and NOTIFY: an idle worker starts within milliseconds of a submit.

Workers poll as well, so a lost notification costs seconds and not a blog.
"""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable, Mapping
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

WORK = "work_is_ready"
_APART_SECONDS = 0.05


def notify(channel: str = WORK) -> None:
    """Wake the workers that listen to this channel.

    To be called after the commit: inside a transaction, NOTIFY makes all commits wait for each other (13,000 -> 3,100 a second). It
    is a transaction of its own, which need not wait for the disk, because a crash can take nothing from it.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL synchronous_commit = off; NOTIFY {channel}")
    except DATABASE_AWAY:
        # The work is committed, and polling finds it.
        logger.warning("no wake-up sent", exc_info=True, extra={"action": "notify"})


class _Folded:
    """The wake-ups of one process: one that begins after a commit is enough for all that had committed by then."""

    def __init__(self) -> None:
        self._counting, self._sending = threading.Lock(), threading.Lock()
        self._asked = self._answered = 0

    def send(self, channel: str) -> None:
        with self._counting:
            self._asked += 1
            mine = self._asked
        with self._sending:
            if self._answered >= mine:
                return
            with self._counting:
                all_so_far = self._asked
            notify(channel)
            self._answered = all_so_far


_folded = _Folded()


def notify_soon() -> None:
    """Wake the workers, as `notify` does, for work that many threads of this process commit at once.

    At most one wake-up is on its way. Who asks meanwhile waits for its end, and then one of them sends the next for all.
    """
    _folded.send(WORK)


def listen(
    wakes: Mapping[str, Callable[[], object]], stopping: threading.Event, *, reconnect_seconds: float = 2.0
) -> None:
    """Call a channel's function at each of its notifications until `stopping` is set; a lost connection is made again.

    The connection is a direct one, because poolers lose LISTEN.
    """
    while not stopping.is_set():
        try:
            _listen_once(wakes, stopping)
        except psycopg2.Error as error:
            # At INFO: code that needs the database warns that it is gone.
            logger.info("wake-ups lost, polling meanwhile", extra={"action": "listen", "error": type(error).__name__})
            stopping.wait(reconnect_seconds)


def _listen_once(wakes: Mapping[str, Callable[[], object]], stopping: threading.Event) -> None:
    listener = connect_directly()
    try:
        listener.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        listener.cursor().execute("; ".join(f"LISTEN {channel}" for channel in wakes))
        for wake in wakes.values():
            wake()  # for what was sent while this did not listen
            # One after the other, so that they need no connection each.
            stopping.wait(_APART_SECONDS)
        while not stopping.is_set():
            if any(select.select([listener], [], [], 1)):
                listener.poll()
                heard = {notification.channel for notification in listener.notifies}
                listener.notifies.clear()
                for channel in heard:
                    wakes[channel]()
    finally:
        listener.close()


def connect_directly() -> psycopg2.extensions.connection:
    """Open a session of its own, past any pooler."""
    options: dict[str, Any] = settings.DATABASE_CONNECT_OPTIONS
    session: psycopg2.extensions.connection = psycopg2.connect(
        settings.DATABASE_DIRECT_URL,
        application_name=f"{settings.PROCESS_NAME}-listen",
        options=settings.DATABASE_SESSION_OPTIONS,
        **options,
    )
    return session
