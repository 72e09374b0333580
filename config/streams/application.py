"""The ASGI application: asks Django who may open a stream, and sends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from blogs.api.errors.problems import plain_problem
from blogs.api.stream.hub import Hub
from blogs.api.stream.listeners import Listener, Seat, Seats
from blogs.api.stream.sending import send_stream
from blogs.api.stream.views import Opening
from config.streams.asking import Handler
from config.streams.protocol import Connection
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
# How long a stream may take to begin, while transactions end that write events.
_BEGINS_WITHIN_SECONDS = 15


class LiveEvents:
    def __init__(self) -> None:
        self.hub, self._seats = Hub(), Seats()
        self._django = Handler()
        self._threads = ThreadPoolExecutor(settings.LIVE_EVENTS_THREADS, "live-events")

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        loop, seat = asyncio.get_running_loop(), Seat(self._seats)
        try:
            answer = await loop.run_in_executor(self._threads, self._django.answer, scope, seat)
            if isinstance(answer, Opening):
                await self._send_stream(answer, scope["state"]["connection"], send)
            else:
                await _send_whole(answer, send)
        finally:
            seat.leave()

    async def _send_stream(self, opening: Opening, connection: Connection, send: Send) -> None:
        listener = Listener(opening.wish)
        connection.when_lost(listener.end)
        try:
            try:
                async with asyncio.timeout(_BEGINS_WITHIN_SECONDS):
                    position = await self.hub.join(listener, connection.abort)
            except TimeoutError:
                await _send_whole(_too_late(), send)
                return
            # Middleware has given it the length of an empty answer.
            del opening["Content-Length"]
            await _send_head(opening, send)

            async def send_more(data: bytes) -> None:
                await send({"type": "http.response.body", "body": data, "more_body": True})

            await send_stream(opening.wish, self._threads, send_more, listener, position)
            await send({"type": "http.response.body", "body": b""})
        except DATABASE_AWAY as error:
            # The caller comes back.
            logger.info("stream broken off", extra={"action": "outage", "error": type(error).__name__})
            connection.abort()
        finally:
            self.hub.leave(listener)


async def _send_whole(answer: HttpResponseBase, send: Send) -> None:
    body = answer.content if isinstance(answer, HttpResponse) else b""
    if answer.status_code != 204:
        answer["Content-Length"] = answer.get("Content-Length") or str(len(body))
    await _send_head(answer, send)
    await send({"type": "http.response.body", "body": body})


async def _send_head(answer: HttpResponseBase, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
    # One request a connection: a second one that comes slowly would wait for no one.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})


def _too_late() -> HttpResponse:
    detail = "The stream could not begin, because the database is slow; come back."
    headers = {"Retry-After": "5"}
    return plain_problem(
        HttpRequest(), 503, code="database_unavailable", detail=detail, retryable=True, headers=headers
    )
