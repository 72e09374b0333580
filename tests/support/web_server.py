"""A real gunicorn with our settings, and clients that speak to it byte by byte."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings

_START_SECONDS = 30
# What these tests ask needs no database, and finds none.
_ENVIRONMENT = {
    "DATABASE_URL": "postgres://none@127.0.0.1:1/none",
    "DATABASE_DIRECT_URL": "",
    "READ_DOTENV": "false",
    "DEBUG": "true",
}


@contextmanager
def served(application: str = "config.wsgi", *arguments: str, **environment: str) -> Iterator[int]:
    """Start gunicorn, and give its port. The socket is ours from the beginning, so nothing else can take the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        bind = {"BIND": f"fd://{listener.fileno()}"}
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", *arguments, application],
            env={**os.environ, **_ENVIRONMENT, **bind, **environment},
            cwd=settings.BASE_DIR,
            pass_fds=[listener.fileno()],
        )
        port = int(listener.getsockname()[1])
    try:
        exchange(port, request("GET", "/health/live"), seconds=_START_SECONDS)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + body


def connected(port: int, *, seconds: float = 10, address: str = "127.0.0.1") -> socket.socket:
    """Connect from this address of the machine's own: all of 127.0.0.0/8 are."""
    return socket.create_connection(("127.0.0.1", port), seconds, source_address=(address, 0))


def exchange(port: int, sent: bytes, *, seconds: float = 10) -> tuple[int, bytes]:
    """Send this on a connection of its own. Return the answer's status and body."""
    with connected(port, seconds=seconds) as client:
        client.sendall(sent)
        return answer(client)


def answer(client: socket.socket) -> tuple[int, bytes]:
    """Read one answer, and leave what follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (byte := client.recv(1)):
            return 0, b""
        head += byte
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    body = b""
    while len(body) < length and (data := client.recv(length - len(body))):
        body += data
    return int(head.split()[1]), body


def everything(client: socket.socket) -> bytes:
    """Read until the server hangs up; raise TimeoutError where it does not."""
    received = b""
    with suppress(ConnectionResetError):
        while data := client.recv(65_536):
            received += data
    return received
