"""What counts as an outage of PostgreSQL, and waiting for its end, so that a worker's thread does not lose what it has in hand.

A server may be gone, or it may be there and unable to serve: it has become read-only after a failover, is starting or stopping,
or its disk is full. To us these are one thing: the same call succeeds later, perhaps in another session.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import psycopg2
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from workers.context.process_memory import remembered

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

# A pool without a free session (`session_pool.PoolExhausted`), deadlocks and restarts are OperationalErrors too. The database
# backend (`config.pooled_postgresql`) raises OperationalError for all that `cannot_serve` knows.
DATABASE_AWAY = (OperationalError, InterfaceError)

# How SQLSTATEs of a server begin that can't serve now, by PostgreSQL's appendix A. 08: the connection failed; 53: disk, memory or
# connections are used up; 57P: it starts, stops or was told to end the session; 58: its disk or operating system fails; 25006: it
# takes no writes, as after a failover; 25P03 and 25P04: it has ended a session that was too slow.
_NOT_NOW = ("08", "53", "57P", "58", "25006", "25P03", "25P04")
# What a server says of this statement or session alone.
_OF_ONE_SESSION = ("53", "25P03", "25P04")
# What a small statement does not notice that only looks whether the server is well.
_EXHAUSTED = ("53", "58")
_LATELY_SECONDS = 60.0
_exhausted_at: dict[str, float] = remembered({})


def cannot_serve(error: psycopg2.Error) -> bool:
    """Tell whether the server can't serve now, whatever it is asked."""
    if error.pgcode:
        return error.pgcode.startswith(_NOT_NOW)
    # Without a state the error is the client's own: the connection is lost. For a garbled answer psycopg2 has no better class than
    # the very general one.
    return isinstance(error, psycopg2.OperationalError) or type(error) is psycopg2.DatabaseError


def note(error: psycopg2.Error) -> None:
    """Remember, in this process, that the server said that its disk, memory or connections are used up."""
    if error.pgcode and error.pgcode.startswith(_EXHAUSTED):
        _exhausted_at["last"] = time.monotonic()


def exhausted_lately() -> bool:
    """Tell whether this process heard so within a minute."""
    return time.monotonic() - _exhausted_at.get("last", float("-inf")) < _LATELY_SECONDS


def concerns_all_sessions(error: psycopg2.Error) -> bool:
    """Tell whether it is the server that says so of itself: sessions that were opened earlier will hear the same."""
    return not (error.pgcode or "").startswith(_OF_ONE_SESSION)


def outlasts_an_outage(transaction: Callable[P, R]) -> Callable[P, R]:
    """Decorate a transaction: while the database is away it is tried again, until three leases have passed.

    By then another worker has rescued the work. Only for functions that are safe to repeat when the first commit's answer was lost;
    leases and constraints see to that.
    """

    @functools.wraps(transaction)
    def until_it_is_back(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return transaction(*args, **kwargs)
        give_up_at = time.monotonic() + 3 * settings.BLOG_WORKER_LEASE_SECONDS
        pause = 0.1
        while True:
            try:
                return transaction(*args, **kwargs)
            except DATABASE_AWAY as error:
                connection.close()
                if time.monotonic() > give_up_at:
                    raise
                logger.info("database away, trying again", extra={"action": "outage", "error": type(error).__name__})
                time.sleep(pause)
                pause = min(pause * 2, 2)

    return until_it_is_back
