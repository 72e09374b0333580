"""Waiting for PostgreSQL while it is away for a moment, so that a worker's thread does not lose what it has in hand."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from sqlalchemy.exc import TimeoutError as PoolExhausted

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

# A pool without a free connection says so in SQLAlchemy's words; deadlocks and restarts are OperationalErrors too.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolExhausted)


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
