"""Transports for our three HTTP clients. Each gives every single read no more time than what is left of its call, and every answer
no more bytes than `bodies` says.

httpx2 carries the `openai` SDK, httpx the `replicate` SDK, and requests our calls to Wix.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import requests.adapters
import urllib3
import urllib3.connection

from workers.context.deadline import at_most
from workers.context.departure import timeouts
from workers.outbound.bodies import MOST_BYTES, bounded

_PIECE_BYTES = 64 * 1024

# --- httpx and httpx2: twins, each on an httpcore of its own ----------------------------------------------------------


class _Stream:
    """A connection on which no read outlasts the call, so that headers or a body that drip can't outlast it either."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        received: bytes = self._stream.read(max_bytes, at_most(timeout))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, at_most(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _Stream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, at_most(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend:
    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        return _Stream(self._backend.connect_tcp(host, port, at_most(timeout), **options))


@functools.cache
def trusted() -> ssl.SSLContext:
    """Make one context for all clients of the process: reading the certificates takes 50 ms and some megabytes."""
    return httpx.create_ssl_context()


class _Body:
    """An answer's stream, bounded and decoded, so that its client finds nothing to decode."""

    def __init__(self, stream: Any, encoding: str, most: int) -> None:
        self._stream, self._encoding, self._most = stream, encoding, most

    def __iter__(self) -> Iterator[bytes]:
        return bounded(self._stream, self._encoding, self._most)

    def close(self) -> None:
        self._stream.close()


class _HttpxBody(_Body, httpx.SyncByteStream): ...


class _Httpx2Body(_Body, httpx2.SyncByteStream): ...


def _prepare(request: httpx.Request | httpx2.Request) -> None:
    request.extensions = {**request.extensions, "timeout": timeouts()}
    request.headers["Accept-Encoding"] = "identity"


def _encoding_taken_from(headers: httpx.Headers | httpx2.Headers) -> str:
    """Remove what would make the client decode bytes or text by itself; return the body's encoding.

    The charset goes too: JSON is UTF-8, and a name such as `zlib_codec` there makes a client fail in odd ways.
    """
    encoding: str = headers.get("content-encoding", "")
    if encoding:
        del headers["content-encoding"]
        headers.pop("content-length", None)
    if "content-type" in headers:
        headers["content-type"] = headers["content-type"].partition(";")[0]
    return encoding


class Httpx2Transport(httpx2.HTTPTransport):
    """For the `openai` SDK, which runs on httpx2."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, **options: Any) -> None:
        super().__init__(verify=trusted(), **options)
        self._most_bytes = most_bytes
        # The pool takes a backend, but this class offers no way to hand it one.
        self._pool._network_backend = _Backend(self._pool._network_backend)  # type: ignore[assignment]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        _prepare(request)
        answer = super().handle_request(request)
        answer.stream = _Httpx2Body(answer.stream, _encoding_taken_from(answer.headers), self._most_bytes)
        return answer


class HttpxTransport(httpx.HTTPTransport):
    """For the `replicate` SDK, which runs on httpx and by default sends creates with no timeout at all."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, **options: Any) -> None:
        super().__init__(verify=trusted(), **options)
        self._most_bytes = most_bytes
        self._pool._network_backend = _Backend(self._pool._network_backend)  # type: ignore[assignment]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _prepare(request)
        answer = super().handle_request(request)
        answer.stream = _HttpxBody(answer.stream, _encoding_taken_from(answer.headers), self._most_bytes)
        return answer


# --- requests, on urllib3, on http.client -----------------------------------------------------------------------------


class _Received(io.RawIOBase):
    """Reads a socket under the same rule. `http.client` reads an answer's headers from it line by line."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(at_most(self._sock.gettimeout()))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Received(sock, self.fp.detach()))

    def begin(self) -> None:
        """Read the head. Where the connection breaks within it, http.client finds an answer without a length and without a body,
        which would read as a success that says nothing. It takes a status like 103 for an answer, too."""
        super().begin()
        if self.status < 200 or self.msg.defects:
            raise http.client.BadStatusLine("The answer's head is not whole.")


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _TlsConnection(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class RequestsAdapter(requests.adapters.HTTPAdapter):
    """For `requests.Session.mount`. Connecting goes by the `timeouts()` that the caller gives to each request.

    The whole answer is read here, before requests sees it: of a redirect requests decodes the body even where it follows none.
    """

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        request.headers["Accept-Encoding"] = "identity"
        answer = super().send(request, *arguments, **{**options, "stream": True})
        with answer.raw as raw:
            content = b"".join(bounded(_pieces(raw), answer.headers.get("content-encoding", ""), MOST_BYTES))
        answer.raw = io.BytesIO(content)
        return answer


def _pieces(raw: Any) -> Iterator[bytes]:
    while piece := raw.read1(_PIECE_BYTES, decode_content=False):
        yield piece
