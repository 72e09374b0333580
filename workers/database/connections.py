"""Connections of the bounded pool. A thread holds one only while it uses it, so that fifty threads live on a dozen."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import connection

from workers.database.outage import outlasts_an_outage

P = ParamSpec("P")
R = TypeVar("R")


def release_connection() -> None:
    """Give the thread's connection back to the pool, before the thread waits or talks to a provider.

    Does nothing inside a transaction, which would be lost with its connection.
    """
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def released_afterwards() -> Iterator[None]:
    """Give the connection back at the end of the block, also where the block raises."""
    try:
        yield
    finally:
        release_connection()


def briefly(work: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that the database may be away for (`outlasts_an_outage`) and that leaves no connection held."""
    patient = outlasts_an_outage(work)

    @functools.wraps(work)
    def and_releases(*args: P.args, **kwargs: P.kwargs) -> R:
        with released_afterwards():
            return patient(*args, **kwargs)

    return and_releases
