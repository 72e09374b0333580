"""uvicorn's protocol, with what keeps strangers from holding connections: seconds for a request's head, and small buffers."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol

from blogs.api.errors.codes import CODES, address

_HEAD_SECONDS = 10.0
# What a client that reads nothing may cost: in the kernel, and in this process.
_KERNEL_BYTES, _OWN_BYTES = 32 * 1024, 16 * 1024
# Connections beside those that listen: requests that are refused, or are being answered.
_SPARE = 200


class Connection:
    """What a stream knows of its connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.abort: Callable[[], None] = transport.abort
        self.lost: Callable[[], None] | None = None
        self._is_lost = False

    def when_lost(self, call: Callable[[], None]) -> None:
        """Have this called when the client has gone; at once where it has."""
        self.lost = call
        if self._is_lost:
            call()

    def lose(self) -> None:
        self._is_lost = True
        if self.lost:
            self.lost()


class Protocol(H11Protocol):
    _connection: Connection | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > settings.LIVE_EVENTS_LISTENERS_MAX + _SPARE:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=_OWN_BYTES)
        if (at := transport.get_extra_info("socket")) is not None:
            at.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        self._connection = Connection(transport)
        self.app_state = {**self.app_state, "connection": self._connection}
        self._late = self.loop.call_later(_HEAD_SECONDS, self._unless_asked)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._connection:
            self._late.cancel()
            self._connection.lose()

    def _unless_asked(self) -> None:
        if self.cycle is None:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the form of all our errors."""
        code = CODES["malformed"]
        problem: dict[str, Any] = {
            "type": address("malformed"),
            "title": code.title,
            "status": 400,
            "code": "malformed",
            "detail": "The request is not as HTTP has it.",
            "retryable": False,
            "requestId": "",
        }
        body = json.dumps(problem).encode()
        head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
        self.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()
