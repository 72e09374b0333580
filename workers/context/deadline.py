"""A deadline for a whole outside call, or for several of them.

The HTTP libraries' timeouts hold for each read, so a server that drips its answer outlasts them. `outbound/transports.py` asks here
before each read. Looking up a host's name has no limit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float] = ContextVar("deadline", default=math.inf)


class DeadlineExceeded(Exception):
    """The whole call took longer than it may, although each read was in time."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End all calls of the block when `seconds` have passed. Of two nested blocks the earlier end holds."""
    token = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining() -> float:
    """Return the seconds left; raises DeadlineExceeded when there are none."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded
    return left


def has_ended() -> bool:
    """Tell whether the deadline of the blocks that we are in is over."""
    return _ends_at.get() <= time.monotonic()


def at_most(seconds: float | None) -> float | None:
    """Return a socket's timeout: what the library asks for, but not past the deadline."""
    left = remaining()
    if math.isinf(left):
        return seconds
    return left if seconds is None else min(left, seconds)
