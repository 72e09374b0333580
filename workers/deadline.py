"""A deadline for a whole outside call. The HTTP libraries' timeouts hold for each read, so a dripping server outlasts them."""

from __future__ import annotations

import functools
import math
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
import httpx2

_ends_at: ContextVar[float] = ContextVar("deadline", default=math.inf)
_CONNECT_SECONDS = 5.0


class DeadlineExceeded(Exception):
    """The whole call took longer than it may, though each read was in time."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything inside ends by then. Nested: the earlier end holds, so that several calls can't outlast their stage."""
    token = _ends_at.set(min(_ends_at.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining() -> float:
    """Seconds left; raises DeadlineExceeded when there are none."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded
    return left


def timeouts() -> dict[str, float]:
    """In the form in which httpx and httpx2 pass them to a transport."""
    left = remaining()
    return {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left}


class _UntilTheDeadline:
    """A response's body, chunk by chunk while there is time. The two libraries are twins, but each wants a stream of its own."""

    def __init__(self, stream: httpx.SyncByteStream | httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            remaining()
            yield chunk

    def close(self) -> None:
        self._stream.close()


class _Httpx2Stream(_UntilTheDeadline, httpx2.SyncByteStream):
    pass


class _HttpxStream(_UntilTheDeadline, httpx.SyncByteStream):
    pass


@functools.cache
def _trusted() -> ssl.SSLContext:
    """One for all clients of the process: whoever reads the certificates needs 50 ms for it, and some megabytes."""
    return httpx.create_ssl_context()


class Httpx2Transport(httpx2.HTTPTransport):
    """For the `openai` SDK, which runs on httpx2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(verify=_trusted(), **options)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "timeout": timeouts()}
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Httpx2Stream(response.stream)
        return response


class HttpxTransport(httpx.HTTPTransport):
    """For the `replicate` SDK, which runs on httpx and by default sends creates with no timeout at all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(verify=_trusted(), **options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "timeout": timeouts()}
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _HttpxStream(response.stream)
        return response
