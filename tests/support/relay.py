"""A relay before a server of the tests, whose connections can be cut, or fall silent as those of a host that is gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class Relay:
    """Passes on what comes to `port`, on threads of its own."""

    def __init__(self, port: int, *, silent_after: bytes = b"") -> None:
        """`silent_after`: behind these bytes of the server, the first connection stays open, and nothing comes any more."""
        self._to, self._silent_after = port, silent_after
        self._ends: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._is_cut = False
        self.connections = 0
        self._door = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._door.getsockname()[1])
        self._start(self._serve)

    def cut(self) -> None:
        """End all connections, and each new one at once, until `mend`."""
        self._is_cut = True
        self._end_all()

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self._is_cut = True
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._end_all()
        for thread in self._threads:
            thread.join(5)
        for end in (self._door, *self._ends):
            end.close()

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self._door.accept()[0]
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._to))
                self.connections += 1
                self._ends |= {client, server}
                silent_after = self._silent_after if self.connections == 1 else b""
                self._start(self._pass_on, client, server, b"")
                self._start(self._pass_on, server, client, silent_after)

    def _pass_on(self, source: socket.socket, sink: socket.socket, silent_after: bytes) -> None:
        passed = b""
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
                passed += data if silent_after else b""
                if silent_after and silent_after in passed:
                    return
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _end_all(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
