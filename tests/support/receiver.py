"""A shop's webhook receiver on this machine: real HTTP, and as badly behaved as a test wants it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Stores what it is sent, and answers with `status`, or as `behave` does with the handler."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.status = 204
        self.behave: Callable[[Handler], object] | None = None
        super().__init__(("127.0.0.1", 0), Handler)

    def address(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None: ...


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if self.server.behave:
            self.server.behave(self)
        else:
            self.reply(self.server.status)

    def reply(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None: ...


def slowly(seconds: float) -> Callable[[Handler], None]:
    """Answer 200 after that time."""

    def behave(handler: Handler) -> None:
        time.sleep(seconds)
        handler.reply(200)

    return behave


def endless(handler: Handler) -> None:
    """Answer 200 with five gigabytes, for as long as somebody reads."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(5 * 1024**3))
    handler.end_headers()
    piece = b"x" * 65_536
    with contextlib.suppress(OSError):
        for _ in range(5 * 1024**3 // len(piece)):
            handler.wfile.write(piece)


def endless_head(handler: Handler) -> None:
    """Answer with headers without an end."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X-More: " + b"y" * 1_000 + b"\r\n")


def dripping(handler: Handler) -> None:
    """Send the answer's head a byte at a time."""
    with contextlib.suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
