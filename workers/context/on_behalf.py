"""For which work, and which site's, the current thread calls others: known here only by their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    id: int
    site: int


_current: ContextVar[Work | None] = ContextVar("on_behalf_of", default=None)


def current() -> Work | None:
    return _current.get()


@contextmanager
def on_behalf_of(work: Work) -> Iterator[None]:
    token = _current.set(work)
    try:
        yield
    finally:
        _current.reset(token)
