"""`python -m config.streams`: serves live events at LIVE_EVENTS_BIND until SIGTERM.

That ends all streams, and their callers come back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    sys.exit(str(error))

# Django must be ready.
import uvicorn
from django.conf import settings
from django.urls import get_resolver

from blogs.preflight import start
from config.processes import listener
from config.streams.application import LiveEvents
from config.streams.asking import Request
from config.streams.protocol import Protocol
from workers.database import process_counts

logger = logging.getLogger(__name__)
_BACKLOG = 1024
_LAST_COUNTS_SECONDS = 3.0
# A head has few headers: credentials, at most 8,000 characters, and an id.
_HEAD_BYTES = 16 * 1024


class Server(uvicorn.Server):
    """Ends all streams when it is told to stop: uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, application: LiveEvents) -> None:
        super().__init__(config)
        self._application = application
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        dealing = self._loop.create_task(self._application.hub.run())
        dealing.add_done_callback(self._stop_without_hub)
        await super().serve(sockets)
        dealing.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop:
            self._loop.call_soon_threadsafe(self._application.hub.end_all)

    def _stop_without_hub(self, dealing: asyncio.Task[Any]) -> None:
        """Leave where nothing is dealt any more, so that another process takes this one's place."""
        if not dealing.cancelled() and (error := dealing.exception()):
            logger.critical("live events broke", exc_info=error, extra={"action": "bug"})
            self.failed = self.should_exit = True
            self._application.hub.end_all()

    failed = False


def main() -> int:
    if not start.may_start("web", web_processes=1):
        return 1
    try:
        at = _listener(settings.LIVE_EVENTS_BIND)
    except (OSError, ValueError) as error:
        logger.critical("LIVE_EVENTS_BIND can't be used: %s", error, extra={"action": "preflight"})
        return 1
    assert get_resolver(Request.urlconf).url_patterns  # imported now, or the first request would wait for it
    application = LiveEvents()
    server = Server(_configuration(application), application)
    stopping = threading.Event()
    counts = threading.Thread(target=process_counts.keep_written, args=(stopping,), name="counts", daemon=True)
    counts.start()
    about = {"release": settings.RELEASE, "bind": settings.LIVE_EVENTS_BIND}
    logger.info("live events started", extra={"action": "serving", **about})
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal that it has caught once more at its end, for the handler that stood there before.
        signal.signal(number, server.handle_exit)
    try:
        server.run(sockets=[at])
    finally:
        stopping.set()
        counts.join(_LAST_COUNTS_SECONDS)
    return 1 if server.failed else 0


def _configuration(application: LiveEvents) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=1,
        timeout_graceful_shutdown=5,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )


def _listener(bind: str) -> socket.socket:
    """Listen there, or at the socket that this process was started with (`fd://3`). Raises OSError, ValueError."""
    if bind.startswith("fd://"):
        return socket.socket(fileno=int(bind.removeprefix("fd://")))
    host, _, port = bind.rpartition(":")
    return listener(host.strip("[]"), int(port))


if __name__ == "__main__":
    sys.exit(main())
