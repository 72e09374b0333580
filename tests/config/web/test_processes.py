"""Several web processes share the connections that come at once."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack

import pytest

from tests.support.web_server import answer, connected, exchange, request, served

pytestmark = pytest.mark.slow_process

_CONNECTIONS = 40
_ASKED = request("GET", "/process")


def test_no_process_takes_all_connections_that_come_at_once() -> None:
    served_by: Counter[bytes] = Counter()
    with served("tests.support.echo", WEB_PROCESSES="2") as port, ExitStack() as stack:
        ends_at, started = time.monotonic() + 30, set[bytes]()
        while len(started) < 2 and time.monotonic() < ends_at:
            started.add(exchange(port, _ASKED)[1])
        clients = [stack.enter_context(connected(port)) for _ in range(_CONNECTIONS)]
        for client in clients:
            client.sendall(_ASKED)
            served_by[answer(client)[1]] += 1

    assert served_by.total() == _CONNECTIONS
    assert len(served_by) == 2
    assert min(served_by.values()) >= _CONNECTIONS // 5
