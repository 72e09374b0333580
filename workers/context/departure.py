"""A departure: a request leaves at the place in time that was reserved for it, or not at all.

Between the reservation and the request a process may be stopped or busy: the first calls of 32 threads took a second until they
left, and then left together.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from workers.context.deadline import remaining

_CONNECT_SECONDS = 5.0


class MissedPlace(Exception):
    """The request would leave too late, and crowd the call that has the next place."""


@dataclass(slots=True)
class Departure:
    at_the_latest: float
    missed: bool = False
    over: bool = False


_departure: ContextVar[Departure | None] = ContextVar("departure", default=None)


@contextmanager
def leaving_by(moment: float) -> Iterator[Departure]:
    """Let the block's first request leave by that monotonic time, or raise MissedPlace in it.

    A library may turn that exception into one of its own, so `Departure.missed` says it too.
    """
    departure = Departure(moment)
    token = _departure.set(departure)
    try:
        yield departure
    finally:
        _departure.reset(token)


def timeouts() -> dict[str, float]:
    """Return the timeouts of a request that leaves now, in the form in which httpx and httpx2 pass them to a transport.

    Raises MissedPlace if it leaves too late for its place.
    """
    departure = _departure.get()
    if departure and not departure.over:
        departure.missed = time.monotonic() > departure.at_the_latest
        if departure.missed:
            raise MissedPlace
        departure.over = True
    left = remaining()
    return {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left}
