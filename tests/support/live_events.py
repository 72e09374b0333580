"""The real process of live events on the tests' database, and a client that reads its streams message by message."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests
from django.conf import settings

from tests.support.app import APP_ID, APP_SECRET
from tests.support.database import database_url
from wix.identity.signed_instance import sign_instance
from wix.models import Site

# In pg_stat_activity.
NAME = "live-events-of-tests"
_START_SECONDS = 30
_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream. A heartbeat has neither name nor data."""

    event: str = ""
    id: int | None = None
    data: Any = None
    retry: int | None = None
    is_heartbeat: bool = False


class Stream:
    """An open stream. `status` and `headers` are the answer's; `messages` are read one by one."""

    def __init__(
        self,
        port: int,
        path: str,
        credential: str,
        *,
        seconds: float = 15,
        receive_bytes: int | None = None,
        **headers: str,
    ) -> None:
        self._socket = socket.socket()
        if receive_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(seconds)
        self._socket.connect(("127.0.0.1", port))
        sent = {"Host": "localhost", "Accept": "text/event-stream", "Authorization": f"Bearer {credential}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self._socket.sendall(f"GET {path} HTTP/1.0\r\n{lines}\r\n".encode())
        self._received = b""
        head = self._until(b"\r\n\r\n") or b""
        first, *rest = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def problem(self) -> Any:
        return json.loads(self.rest())

    def rest(self) -> bytes:
        """Return what comes until the server hangs up."""
        while data := self._more():
            self._received += data
        return self._received

    def next(self, *, heartbeats: bool = False) -> Message | None:
        """Wait for the next message; None where the stream has ended. Raises TimeoutError, also where heartbeats go on."""
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while (block := self._until(b"\n\n")) is not None:
            message = _parsed(block.decode())
            if heartbeats or not message.is_heartbeat:
                return message
            if time.monotonic() > ends_at:
                raise TimeoutError("only heartbeats came")
        return None

    def until(self, event: str) -> list[Message]:
        """Read up to the first message of this name."""
        found = list[Message]()
        while message := self.next():
            found.append(message)
            if message.event == event:
                return found
        raise AssertionError(f"the stream ended without {event}: {found}")

    def all(self) -> list[Message]:
        """Read to the stream's end."""
        found = list[Message]()
        while message := self.next():
            found.append(message)
        return found

    def _until(self, end: bytes) -> bytes | None:
        while end not in self._received:
            if not (data := self._more()):
                return None
            self._received += data
        block, _, self._received = self._received.partition(end)
        return block

    def _more(self) -> bytes:
        try:
            return self._socket.recv(65_536)
        except ConnectionResetError:
            return b""


def _parsed(block: str) -> Message:
    if block.startswith(":"):
        return Message(is_heartbeat=True)
    fields = {name: value for name, _, value in (line.partition(": ") for line in block.split("\n"))}
    return Message(
        fields["event"],
        int(fields["id"]) if "id" in fields else None,
        json.loads(fields["data"]),
        int(fields["retry"]) if "retry" in fields else None,
    )


@dataclass(slots=True)
class Served:
    port: int
    process: subprocess.Popen[bytes]
    listener: socket.socket
    log: Path | None = None

    def stream(self, site: Site, path: str = "/api/events", *, credential: str = "", **more: Any) -> Stream:
        return Stream(self.port, path, credential or sign_instance(site.instance_id), **more)

    def of_blog(self, site: Site, blog: int, **more: Any) -> Stream:
        return self.stream(site, f"/api/blog-generation/{blog}/events", **more)

    def gone(self, site: Site) -> None:
        """Ask for a stream, and hang up before it is answered."""
        with socket.create_connection(("127.0.0.1", self.port)) as caller:
            credential = sign_instance(site.instance_id)
            caller.sendall(f"GET /api/events HTTP/1.0\r\nAuthorization: Bearer {credential}\r\n\r\n".encode())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def start_again(self, **environment: str) -> None:
        self.process = _start(self.listener, environment, self.log)
        _wait(self.port)


@contextmanager
def serving(log: Path | None = None, /, **environment: str) -> Iterator[Served]:
    """Start the process; the socket is ours, so that nothing else takes the port while it is killed.

    `log`: the file that it writes its lines to.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        served = Served(int(listener.getsockname()[1]), _start(listener, environment, log), listener, log)
        try:
            _wait(served.port)
            yield served
        finally:
            served.process.terminate()
            served.process.wait(15)


def _start(listener: socket.socket, environment: dict[str, str], log: Path | None) -> subprocess.Popen[bytes]:
    known = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATABASE_DIRECT_URL": "",
        "READ_DOTENV": "false",
        "DEBUG": "false",
        "SECRET_KEY": "of-the-tests",
        "WIX_APP_ID": APP_ID,
        "WIX_APP_SECRET": APP_SECRET,
        "PREFLIGHT_REFUSES": "false",
        "PROCESS_NAME": NAME,
        "LIVE_EVENTS_BIND": f"fd://{listener.fileno()}",
        "LIVE_EVENTS_POLL_SECONDS": "0.05",
    }
    with log.open("ab") if log else nullcontext() as output:
        return subprocess.Popen(
            [sys.executable, "-m", "config.streams"],
            env={**known, **environment},
            cwd=settings.BASE_DIR,
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=output,
        )


def _wait(port: int) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/health/live", timeout=_START_SECONDS).raise_for_status()
            return
        except requests.ConnectionError:
            if time.monotonic() > ends_at:
                raise
