"""A wire between a client of ours and the real PostgreSQL, on which the server's answers can be changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.support.database import database_url

Change = Callable[[bytes], bytes]


@contextmanager
def wire(change: Change) -> Iterator[int]:
    """Give the port to connect to. When the block ends, all connections through it do."""
    host, _, port = database_url().rpartition("@")[2].partition("/")[0].partition(":")
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(work: Callable[..., None], *arguments: Any) -> None:
        threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        threads[-1].start()

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, server = door.accept()[0], socket.create_connection((host, int(port)))
                ends.extend((client, server))
                start(_pass_on, client, server, bytes)
                start(_pass_on, server, client, change)

    with socket.create_server(("127.0.0.1", 0)) as door:
        start(serve)
        try:
            yield int(door.getsockname()[1])
        finally:
            _end(door, *ends)
            for thread in threads:
                thread.join(5)
            for end in ends:
                end.close()


def _pass_on(source: socket.socket, sink: socket.socket, change: Change) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(change(data))
    _end(source, sink)


def _end(*ends: socket.socket) -> None:
    """Say the end on both sides. To close a socket in which another thread reads would say nothing."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
