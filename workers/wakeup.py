"""LISTEN and NOTIFY: an idle worker starts within milliseconds of a submit.

Polling is the fallback, so that a lost notification costs seconds and not a blog.
"""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from workers.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

_CHANNEL = "work_is_ready"
_RECONNECT_SECONDS = 2


def notify() -> None:
    """Wake idle workers. After the commit: inside, NOTIFY makes all commits wait for each other (13,000 -> 3,100 a second).

    It is a transaction to PostgreSQL, but nothing that a crash could take needs to wait for the disk.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL synchronous_commit = off; NOTIFY {_CHANNEL}")
    except DATABASE_AWAY:
        # The work is committed, and polling finds it.
        logger.warning("no wake-up sent", exc_info=True, extra={"action": "notify"})


def listen(wake: Callable[[], None], stopping: threading.Event) -> None:
    """Call `wake` at each notification until `stopping`; reconnects for ever. On a connection of its own: poolers lose LISTEN."""
    while not stopping.is_set():
        try:
            _listen_once(wake, stopping)
        except psycopg2.Error as error:
            # Quietly: whoever needs the database says loudly enough that it is gone.
            logger.info("wake-ups lost, polling meanwhile", extra={"action": "listen", "error": type(error).__name__})
            stopping.wait(_RECONNECT_SECONDS)


def _listen_once(wake: Callable[[], None], stopping: threading.Event) -> None:
    listener = connect_directly()
    try:
        listener.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        listener.cursor().execute(f"LISTEN {_CHANNEL}")
        wake()  # whatever was sent while nobody listened
        while not stopping.is_set():
            if any(select.select([listener], [], [], 1)):
                listener.poll()
                if listener.notifies:
                    listener.notifies.clear()
                    wake()
    finally:
        listener.close()


def connect_directly() -> psycopg2.extensions.connection:
    """A session of its own, past any pooler."""
    options: dict[str, Any] = settings.DATABASE_CONNECT_OPTIONS
    session: psycopg2.extensions.connection = psycopg2.connect(
        settings.DATABASE_DIRECT_URL,
        application_name=f"{settings.PROCESS_NAME}-listen",
        options=settings.DATABASE_SESSION_OPTIONS,
        **options,
    )
    return session
