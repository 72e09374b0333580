"""Which piece of work the current thread is at, for every log line written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_current: ContextVar[dict[str, Any]] = ContextVar("log_context", default={})


def current() -> dict[str, Any]:
    return _current.get()


@contextmanager
def log_context(**ids: Any) -> Iterator[None]:
    token = _current.set({**_current.get(), **ids})
    try:
        yield
    finally:
        _current.reset(token)
