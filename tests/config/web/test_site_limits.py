"""A site has a bounded number of requests in work at once, and turns of its own, at a real gunicorn that remembers credentials."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.web_server import answer, connected, exchange, request, served
from wix.identity import site_limits

pytestmark = pytest.mark.slow_process

_AT_ONCE = 4
# What the stand-in application teaches the server of (`tests/support/known_sites.py`).
GREEDY, POLITE, OVER, STRANGER = "Bearer greedy", "Bearer polite", "Bearer over", "Bearer stranger"
BUSY = "Bearer busy"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    limits = {"SITE_REQUESTS_AT_ONCE": str(_AT_ONCE), "WEB_PROCESSES": "1", "WEB_THREADS": "2"}
    with served("tests.support.known_sites", **limits) as port:
        for credential in (GREEDY, POLITE, BUSY):
            exchange(port, request("GET", "/learn", Authorization=credential))
        yield port


def _head(client: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length
    rest = int(length[1])
    while rest:
        rest -= len(client.recv(rest))
    return head.decode()


def test_more_requests_of_a_site_at_once_are_put_off_and_its_connections_stay(port: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(port)) for _ in range(_AT_ONCE + 2)]
        for client in clients:
            client.sendall(request("GET", "/held", Authorization=GREEDY))
        statuses = [answer(client)[0] for client in clients]

        assert sorted(statuses) == [200] * _AT_ONCE + [429] * 2
        for client in clients:
            client.sendall(request("GET", "/here", Authorization=GREEDY))
            assert answer(client)[0] == 200


def test_the_refusal_is_a_problem_that_says_when_and_which_limit(port: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(port)) for _ in range(_AT_ONCE + 1)]
        for client in clients:
            client.sendall(request("POST", "/held", b"x" * 10, Authorization=GREEDY, Content_Length="10"))
        heads = [_head(client) for client in clients]

        (refused,) = [head for head in heads if " 429 " in head]
        assert "Content-Type: application/problem+json" in refused
        assert "Retry-After: 1\r\n" in refused
        assert 'RateLimit: "at-once";r=0;t=1\r\n' in refused
        assert f'"at-once";q={_AT_ONCE};qu="concurrent-requests"' in refused


def test_another_site_does_not_wait_behind_a_site_with_many(port: int) -> None:
    with ExitStack() as stack:
        flood = [stack.enter_context(connected(port)) for _ in range(_AT_ONCE)]
        polite = stack.enter_context(connected(port))
        polite.sendall(request("GET", "/here", Authorization=POLITE))
        assert answer(polite)[0] == 200  # it asked lately
        for client in flood:
            client.sendall(request("GET", "/held", Authorization=GREEDY))
        began = time.monotonic()
        polite.sendall(request("GET", "/here", Authorization=POLITE))
        assert answer(polite)[0] == 200
        took = time.monotonic() - began
        assert [answer(client)[0] for client in flood] == [200] * _AT_ONCE

    # Of two threads the flood has one, which holds each of its four requests for 0.2 s.
    assert took < 0.15


def test_a_site_that_keeps_a_thread_busy_beside_another_rests_and_is_answered_later(port: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(port)) for _ in range(3)]
        assert exchange(port, request("GET", "/here", Authorization=POLITE))[0] == 200
        began = time.monotonic()
        statuses = []
        for _ in range(2):
            for client in clients:
                client.sendall(request("GET", "/held", Authorization=BUSY))
            statuses += [answer(client)[0] for client in clients]
        took = time.monotonic() - began

    assert statuses == [200] * 6
    # Its one thread holds each for 0.2 s; half a second in two is free, and then it rests for three times as long as it has worked.
    assert 1.2 + 0.6 < took < 5


def test_a_site_over_its_rate_is_refused_without_a_thread_until_its_time_is_over(port: int) -> None:
    assert exchange(port, request("GET", "/over", Authorization=OVER))[0] == 200

    status, body = exchange(port, request("GET", "/here", Authorization=OVER))

    assert (status, json.loads(body)["code"]) == (429, "throttled")
    time.sleep(1.1)  # its time is one second: the server's own clock
    assert exchange(port, request("GET", "/here", Authorization=OVER))[0] == 200


def test_a_credential_that_was_let_in_nowhere_is_no_sites(port: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(port)) for _ in range(_AT_ONCE + 2)]
        for client in clients:
            client.sendall(request("GET", "/held", Authorization=STRANGER))

        assert [answer(client)[0] for client in clients] == [200] * (_AT_ONCE + 2)


def test_a_refused_head_has_no_body_where_its_connection_stays(port: int) -> None:
    exchange(port, request("GET", "/over", Authorization=OVER))
    with connected(port) as client:
        client.sendall(request("HEAD", "/here", Authorization=OVER))
        refused = b""
        while not refused.endswith(b"\r\n\r\n"):
            refused += client.recv(1)
        client.sendall(request("GET", "/here", Authorization=POLITE))
        following = client.recv(12)

    assert b" 429 " in refused
    assert b"Connection: keep-alive" in refused
    assert following == b"HTTP/1.1 200"
    time.sleep(1.1)


@pytest.mark.parametrize(
    "closing",
    [
        {"Connection": "close"},
        {"Transfer_Encoding": "chunked"},
        {"Content_Length": "0\r\nContent-Length: 40"},
        {"Content_Length": "0x28"},
        {"Content_Length ": "40"},
        {"Accept": "a\nContent-Length: 40"},
        {"Accept": "a\rContent-Length: 40"},
        {"Transfer_Encoding": "xchunked, gzip"},
    ],
)
def test_a_refused_request_whose_end_is_not_plain_ends_its_connection(port: int, closing: dict[str, str]) -> None:
    exchange(port, request("GET", "/over", Authorization=OVER))
    body = b"0\r\n\r\n" if closing.get("Transfer_Encoding") == "chunked" else b""
    with connected(port) as client:
        client.sendall(request("POST", "/here", body, Authorization=OVER, **closing))

        assert "Connection: close" in _head(client)
        assert client.recv(1) == b""
    time.sleep(1.1)


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "gzip", "deflate,chunked", "chunked, chunked", "identity, chunked"]
)
def test_a_body_in_any_other_coding_than_chunks_is_refused(port: int, coding: str) -> None:
    status, body = exchange(port, request("POST", "/here", b"1\r\na\r\n0\r\n\r\n", Transfer_Encoding=coding))

    assert status in (400, 501)
    assert json.loads(body)["status"] == status


def test_an_idle_connection_is_kept_longer_than_load_balancers_keep_theirs() -> None:
    from config import gunicorn

    assert gunicorn.keepalive == 75


def test_connections_that_are_kept_idle_do_not_hold_up_a_stop() -> None:
    with ExitStack() as stack:
        with served(WEB_PROCESSES="1") as port:
            for client in [stack.enter_context(connected(port)) for _ in range(3)]:
                client.sendall(request("GET", "/health/live"))
                assert answer(client)[0] == 200
            told_to_stop_at = time.monotonic()

        assert time.monotonic() - told_to_stop_at < 10  # they would be kept for 75 s, and a process may take 20 to end


def test_what_is_remembered_is_by_the_whole_credential_and_ends_in_time() -> None:
    site_limits.learn(b"Bearer one", 1)
    site_limits.note_over(1, 0.05)

    assert (site_limits.site_of(b"Bearer one"), site_limits.site_of(b"Bearer on")) == (1, None)
    assert site_limits.seconds_over(1) == 1
    time.sleep(0.06)
    assert site_limits.seconds_over(1) == 0
