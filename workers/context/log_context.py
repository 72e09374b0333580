"""Names of what the current thread works on, for every log line that it writes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_current: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default=_NOTHING)


def current() -> Mapping[str, Any]:
    return _current.get()


@contextmanager
def log_context(**ids: Any) -> Iterator[None]:
    token = _current.set({**_current.get(), **ids})
    try:
        yield
    finally:
        _current.reset(token)
