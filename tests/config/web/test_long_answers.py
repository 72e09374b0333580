"""An answer of any length goes to a client that takes its time, and little of it stands in memory meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from config import gunicorn
from config.web import connection
from config.web.connection import Outlet
from tests.support.threads import in_background

_ROW = b"x" * 600
_ROWS = 20_000


@pytest.fixture
def ends() -> Iterator[tuple[Outlet, socket.socket]]:
    ours, theirs = socket.socketpair()
    with Outlet(ours.family, ours.type, ours.proto, ours.detach()) as outlet, theirs:
        outlet.setblocking(False)
        yield outlet, theirs


def test_a_slow_client_gets_all_of_it_and_little_is_kept(ends: tuple[Outlet, socket.socket]) -> None:
    outlet, client = ends
    kept, got, may_read = [0], bytearray(), threading.Event()

    def read() -> None:
        may_read.wait(10)
        while len(got) < _ROWS * len(_ROW):
            got.extend(client.recv(65_536))

    reader = in_background(read)
    for number in range(_ROWS):
        if number == _ROWS // 10:
            may_read.set()
        outlet.sendall(_ROW)
        kept.append(len(outlet.unsent))
    while outlet.unsent:
        outlet.send_on()
    reader.join()

    assert bytes(got) == _ROW * _ROWS
    assert max(kept) <= connection._KEPT_BYTES + len(_ROW)


def test_a_client_that_takes_nothing_of_it_ends_it(
    ends: tuple[Outlet, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gunicorn, "response_seconds", 0.05)
    outlet, _ = ends

    with pytest.raises(TimeoutError):
        outlet.sendall(b"x" * 3 * connection._KEPT_BYTES)


def test_what_is_small_is_kept_and_nothing_waits(ends: tuple[Outlet, socket.socket]) -> None:
    outlet, _ = ends

    for _ in range(10):
        outlet.sendall(b"x" * (connection._KEPT_BYTES // 20))

    assert outlet.unsent
