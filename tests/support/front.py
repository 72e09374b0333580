"""A door in front of the sandbox: it passes requests on, but for those that a test answers itself, or whose answer it changes."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# What belongs to one connection, and may not be copied to the next.
_OF_THE_CONNECTION = {"content-length", "transfer-encoding", "connection", "content-encoding", "date", "server"}


@dataclass
class Answer:
    """Holds an answer. `body`: bytes as they are, or anything else as JSON, with lone surrogates and NUL as escapes."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Change = Callable[[Any], Any]


class Front:
    def __init__(self, behind: str) -> None:
        self._behind = urlsplit(behind)
        self._rules: list[tuple[str, re.Pattern[str], Answer | Change]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def on(self, method: str, path: str, what: Answer | Change) -> None:
        """Set a rule. `path` is a regular expression to search for; `what` is the answer, or changes the sandbox's JSON."""
        self._rules.insert(0, (method, re.compile(path), what))

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        rule = next((what for of, at, what in self._rules if of == method and at.search(path)), None)
        if isinstance(rule, Answer):
            return rule
        passed = self._pass_on(method, path, headers, body)
        return Answer(passed.status, rule(json.loads(passed.body)) if rule else passed.body, passed.headers)

    def _pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self._behind.hostname or "", self._behind.port or 80, timeout=30)
        try:
            sent = {name: value for name, value in headers.items() if name.lower() != "host"}
            connection.request(method, path, body or None, sent | {"Accept-Encoding": "identity"})
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _OF_THE_CONNECTION}
            return Answer(answer.status, answer.read(), kept)
        finally:
            connection.close()


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = front.answer(self.command, self.path, dict(self.headers), body)
            raw = answer.raw()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    return Handler


@contextmanager
def front_of(behind: str) -> Iterator[Front]:
    front = Front(behind)
    try:
        yield front
    finally:
        front.stop()
