"""A port is bound before anything is started that uses it: two at once never share a server."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from config.processes import listener
from tests.support.threads import at_once
from tests.support.web_server import answer, connected, request, served
from tests.support.world import door


def test_a_port_that_is_taken_is_refused_at_once() -> None:
    with listener("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listener("127.0.0.1", first.getsockname()[1])


def test_those_who_want_the_same_port_at_once_each_have_one_of_their_own() -> None:
    with listener("127.0.0.1", 0) as free:
        wanted = int(free.getsockname()[1])

    with ExitStack() as stack:
        doors = at_once(*[lambda: door(wanted)] * 8)
        for each in doors:
            stack.enter_context(each)

        ports = {each.getsockname()[1] for each in doors}

    assert len(ports) == 8
    assert wanted in ports


@pytest.mark.slow_process
def test_a_server_answers_on_the_socket_that_it_was_given() -> None:
    with served("tests.support.echo", WEB_PROCESSES="1") as port, connected(port) as client:
        client.sendall(request("GET", "/here"))

        assert answer(client) == (200, b'["GET", "/here", ""]')
