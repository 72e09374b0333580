"""A deadline for a whole outside call. The HTTP libraries' timeouts hold for each read, so a dripping server outlasts them.

So each of our three HTTP clients reads through something here that gives every single read no more than what is left of its call.
Only looking up a host's name has no limit, in none of them.

And the other end: a request leaves at the place in time that was reserved for it, or not at all. Between the two a process may be
stopped, or busy: the first calls of 32 threads took a second until they left, and then left together.
"""

from __future__ import annotations

import functools
import http.client
import io
import math
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2
import requests.adapters
import urllib3
import urllib3.connection

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


def has_ended() -> bool:
    """The innermost deadline that is still around us."""
    return _ends_at.get() <= time.monotonic()


class MissedPlace(Exception):
    """The request would leave too late, and crowd whoever has the next place."""


@dataclass(slots=True)
class Departure:
    at_the_latest: float
    missed: bool = False
    over: bool = False


_departure: ContextVar[Departure | None] = ContextVar("departure", default=None)


@contextmanager
def leaving_by(moment: float) -> Iterator[Departure]:
    """The first request inside leaves by that monotonic time, or raises MissedPlace, whatever a library then makes of it."""
    departure = Departure(moment)
    token = _departure.set(departure)
    try:
        yield departure
    finally:
        _departure.reset(token)


def timeouts() -> dict[str, float]:
    """In the form in which httpx and httpx2 pass them to a transport. To be asked for when a request leaves."""
    departure = _departure.get()
    if departure and not departure.over:
        departure.missed = time.monotonic() > departure.at_the_latest
        if departure.missed:
            raise MissedPlace
        departure.over = True
    left = remaining()
    return {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left}


def _at_most(seconds: float | None) -> float | None:
    """A socket's timeout: what the library asks for, but not past the deadline."""
    left = remaining()
    if math.isinf(left):
        return seconds
    return left if seconds is None else min(left, seconds)


# --- httpx and httpx2: twins, each on an httpcore of its own ----------------------------------------------------------


class _Stream:
    """A connection on which no read outlasts the call, so that neither headers nor a body that drip do."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        received: bytes = self._stream.read(max_bytes, _at_most(timeout))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _at_most(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _Stream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _at_most(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend:
    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        return _Stream(self._backend.connect_tcp(host, port, _at_most(timeout), **options))


@functools.cache
def _trusted() -> ssl.SSLContext:
    """One for all clients of the process: whoever reads the certificates needs 50 ms for it, and some megabytes."""
    return httpx.create_ssl_context()


class Httpx2Transport(httpx2.HTTPTransport):
    """For the `openai` SDK, which runs on httpx2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(verify=_trusted(), **options)
        # The pool takes a backend, but this class offers no way to hand it one.
        self._pool._network_backend = _Backend(self._pool._network_backend)  # type: ignore[assignment]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "timeout": timeouts()}
        return super().handle_request(request)


class HttpxTransport(httpx.HTTPTransport):
    """For the `replicate` SDK, which runs on httpx and by default sends creates with no timeout at all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(verify=_trusted(), **options)
        self._pool._network_backend = _Backend(self._pool._network_backend)  # type: ignore[assignment]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "timeout": timeouts()}
        return super().handle_request(request)


# --- requests, on urllib3, on http.client -----------------------------------------------------------------------------


class _Received(io.RawIOBase):
    """What arrives at a socket, read under the same rule. `http.client` reads an answer's headers line by line from it."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_at_most(self._sock.gettimeout()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Received(sock, self.fp.detach()))


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _TlsConnection(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class RequestsAdapter(requests.adapters.HTTPAdapter):
    """For `requests.Session.mount`. The caller still gives each request the `timeouts()`: connecting goes by those."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
