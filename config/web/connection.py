"""One connection of the web process: what has arrived on it, and what its client has not taken yet."""

from __future__ import annotations

import errno
import io
import select
import socket
from contextlib import suppress
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn

from config import gunicorn
from config.web.arrival import Arrival

# The parser copies all that it was given once for each chunk of a body: of 500 KB in one piece, 87,000 chunks took half a minute.
_PARSED_BYTES = 8 * 1024
# What is kept of an answer that its client doesn't take at once. More than all answers but exports have.
_KEPT_BYTES = 1_000_000
_READ_BYTES = 64 * 1024


class Arrived(Unreader):
    """Gives the parser the bytes that are here, a few at a time. Where they end, the parser takes the client for gone."""

    ran_dry = False

    def __init__(self) -> None:
        super().__init__()
        self._here = io.BytesIO()

    def arrive(self, request: bytes) -> None:
        self._here = io.BytesIO(request)

    def chunk(self, size_hint: int | None = None) -> bytes:
        data = self._here.read(_PARSED_BYTES)
        self.ran_dry = self.ran_dry or not data
        return data

    def take_buffered(self) -> bytes:
        rest: bytes = super().take_buffered() + self._here.read()
        return rest


class Outlet(socket.socket):
    """A socket that does not block for what is small: what the kernel has no room for is kept, for the main loop to send.

    The thread itself waits for the client only with an answer that is longer than `_KEPT_BYTES`: an export of staff's, which is
    never in memory as a whole. Each answer to a stranger is shorter.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unsent = bytearray()

    def setblocking(self, flag: bool) -> None:
        super().setblocking(False)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send, or keep for later. Raises OSError where the client has gone, or takes nothing for RESPONSE_SECONDS."""
        self.unsent += data
        self.send_on()
        while len(self.unsent) > _KEPT_BYTES:
            writable = select.poll()
            writable.register(self, select.POLLOUT)
            if not writable.poll(gunicorn.response_seconds * 1_000):
                raise TimeoutError(errno.ETIMEDOUT, "the client takes nothing of a long answer")
            self.send_on()

    def send_on(self) -> None:
        """Send as much as the client takes now. Raises OSError where it has gone."""
        with suppress(BlockingIOError, InterruptedError):
            while self.unsent:
                del self.unsent[: self.send(self.unsent)]


class Client(TConn):
    """One connection: the request that is arriving, and until when the main loop waits for the client."""

    def __init__(self, cfg: Any, sock: socket.socket, peer: Any, server: Any, address: str) -> None:
        super().__init__(cfg, Outlet(sock.family, sock.type, sock.proto, sock.detach()), peer, server)
        self.parser = get_parser(cfg, self.sock, peer)
        self.parser.unreader = Arrived()
        # So that gunicorn leaves both as they are.
        self.initialized = self.data_ready = True
        self.arrival: Arrival | None = None
        self.ends_at = 0.0
        self.stays = False
        self.discarded = 0
        self.address = address
        # Whose turn the request that is here takes: its site's, or its address's.
        self.line = address
        # When a thread began to answer it.
        self.began_at = 0.0

    def received(self) -> bytes | None:
        """Return what has come; b"" when no more will come, None when there is nothing yet."""
        try:
            data: bytes = self.sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""
        return data

    def say(self, words: bytes) -> None:
        """Send these few bytes if there is room for them; who has none does not listen."""
        with suppress(OSError):
            self.sock.send(words)
