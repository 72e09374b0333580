"""Clients that take their time, at a real gunicorn with our settings: they keep no thread, and not for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import pytest

from tests.support.web_server import answer, connected, everything, exchange, request, served

pytestmark = pytest.mark.slow_process

# More than the two processes have threads.
_CLIENTS = 40
_LOOKS = 15
_MEDIAN_SECONDS = 0.25

_JQUERY = request("GET", "/static/admin/js/vendor/jquery/jquery.js")
# What each client sends at first; then it drips.
ATTACKS = {
    "silence": b"",
    "an empty line": b"\r\n\r\n",
    "a request line": b"GET /heal",
    "a head": b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "a body": request("POST", "/api/blog-generation", b'{"a', Content_Length="60000"),
    "a body in chunks": request("POST", "/wix/webhooks", b"5\r\nab", Transfer_Encoding="chunked"),
    "a chunk's size": request("POST", "/wix/webhooks", b"5\r\nabcde\r\n1;", Transfer_Encoding="chunked"),
    "trailers": request("POST", "/wix/webhooks", b"0\r\nX-Slow: ", Transfer_Encoding="chunked"),
    "a body that is too large": request("POST", "/api/blog-generation", b'{"a', Content_Length="60000000"),
    "a form that is too large": request(
        "POST", "/admin/login/", b"--x", Content_Length="60000000", Content_Type="multipart/form-data; boundary=x"
    ),
    "a second request": request("GET", "/health/live") + b"GET /heal",
    "never taking an answer": _JQUERY * 30,
    "never hanging up": request("GET", "/health/live", Connection="close"),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as port:
        yield port


@contextmanager
def dripping(port: int, first: bytes) -> Iterator[None]:
    """Connect as forty clients, which send a byte each half second and connect again when they are thrown out."""
    over = threading.Event()

    def drip() -> None:
        while not over.is_set():
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(5)
                try:
                    client.connect(("127.0.0.1", port))
                    client.sendall(first)
                    while not over.wait(0.5):
                        client.send(b"1")
                except OSError:
                    over.wait(0.1)

    clients = [threading.Thread(target=drip) for _ in range(_CLIENTS)]
    for client in clients:
        client.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        over.set()
        for client in clients:
            client.join()


@pytest.mark.parametrize("attack", ATTACKS)
def test_health_checks_are_answered_while_forty_clients_drip(port: int, attack: str) -> None:
    took, statuses = [], set()

    with dripping(port, ATTACKS[attack]):
        for _ in range(_LOOKS):
            began = time.monotonic()
            statuses.add(exchange(port, request("GET", "/health/live"), seconds=30)[0])
            took.append(time.monotonic() - began)

    assert statuses == {200}
    assert median(took) < _MEDIAN_SECONDS, sorted(took)


@pytest.fixture(scope="module")
def hurried() -> Iterator[int]:
    """One process, whose deadlines are short."""
    short = {"REQUEST_HEADER_SECONDS": "0.5", "REQUEST_BODY_SECONDS": "0.5", "RESPONSE_SECONDS": "2"}
    with served("tests.support.echo", WEB_PROCESSES="1", **short) as port:
        yield port


@pytest.fixture(scope="module")
def patient() -> Iterator[int]:
    """One process, with the deadlines of production: on a busy machine whole requests take their time."""
    with served("tests.support.echo", WEB_PROCESSES="1") as port:
        yield port


@pytest.mark.parametrize("attack", [name for name, first in ATTACKS.items() if "never" not in name and first])
def test_who_does_not_finish_a_request_is_told_and_hung_up_on(hurried: int, attack: str) -> None:
    with connected(hurried) as client:
        client.sendall(
            ATTACKS[attack].replace(b"/api/blog-generation", b"/unread").replace(b"/admin/login/", b"/unread")
        )
        if attack == "a second request":
            assert answer(client)[0] == 200
        status, _ = answer(client)
        everything(client)

    assert status == (200 if "too large" in attack else 408)


def test_who_says_nothing_is_hung_up_on(hurried: int) -> None:
    with connected(hurried, seconds=4) as client:
        assert everything(client) == b""


def test_who_takes_no_answer_is_hung_up_on(hurried: int) -> None:
    with connected(hurried) as client:
        client.sendall(request("GET", "/large") * 10)
        time.sleep(5)

        assert len(everything(client)) < 10 * 3_000_000


def test_a_head_without_an_end_is_refused_at_64_kilobytes(hurried: int) -> None:
    assert exchange(hurried, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)[0] == 431


@pytest.mark.parametrize(
    "spoilt", [{"REQUEST_HEADER_SECONDS": "0"}, {"REQUEST_BODY_SECONDS": "-1"}, {"WEB_THREADS": "0"}]
)
def test_a_setting_that_makes_no_sense_ends_gunicorn_with_a_word(spoilt: dict[str, str]) -> None:
    from tests.support.processes import run

    done = run("-c", "import config.gunicorn", **spoilt)

    assert done.returncode == 1
    assert "must be more than 0" in done.stderr


def test_many_silent_clients_keep_no_other_out() -> None:
    """More than a process takes connections."""
    with served("tests.support.echo", WEB_PROCESSES="1") as port, ExitStack() as stack:
        for _ in range(450):
            stack.enter_context(connected(port))

        assert exchange(port, request("GET", "/fine"), seconds=5)[0] == 200


_Sent = Callable[[socket.socket, bytes], None]


def _at_once(client: socket.socket, data: bytes) -> None:
    client.sendall(data)


def _by_bytes(client: socket.socket, data: bytes) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(data)):
        client.sendall(data[at : at + 1])


@pytest.mark.parametrize("send", [_at_once, _by_bytes])
def test_requests_arrive_whole_however_they_are_sent(patient: int, send: _Sent) -> None:
    with connected(patient) as client:
        send(client, request("POST", "/length", b"abc", Content_Length="3"))
        first = answer(client)
        send(
            client,
            request("POST", "/chunks", b"2\r\nab\r\n1;a=b\r\nc\r\n0\r\nX: y\r\n\r\n", Transfer_Encoding="chunked"),
        )
        second = answer(client)
        send(
            client,
            request("GET", "/one") + request("POST", "/two", b"!", Content_Length="1") + request("GET", "/three"),
        )
        others = [answer(client) for _ in range(3)]

    assert first == (200, b'["POST", "/length", "abc"]')
    assert second == (200, b'["POST", "/chunks", "abc"]')
    assert [body for _, body in others] == [b'["GET", "/one", ""]', b'["POST", "/two", "!"]', b'["GET", "/three", ""]']


def test_a_body_in_tiny_chunks_is_refused_before_it_costs_anything(patient: int) -> None:
    """Gunicorn's parser copies what it holds for each chunk: in one piece, this took half a minute."""
    tiny = request("POST", "/chunks", b"1\r\na\r\n" * 87_000, Transfer_Encoding="chunked")
    began = time.monotonic()

    status, _ = exchange(patient, tiny, seconds=20)

    assert status in (200, 400)
    assert time.monotonic() - began < 5


def test_who_asks_whether_to_go_on_is_told_once(patient: int) -> None:
    with connected(patient) as client:
        client.sendall(request("POST", "/asks", Content_Length="2", Expect="100-continue"))
        told = client.recv(100)
        client.sendall(b"ok")

        assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert answer(client) == (200, b'["POST", "/asks", "ok"]')


def test_a_body_that_was_not_read_does_not_become_a_request(hurried: int) -> None:
    """As much of it as has come is thrown away with the connection."""
    smuggled = request("GET", "/smuggled")
    with connected(hurried) as client:
        client.sendall(request("POST", "/unread", smuggled, Content_Length="60000000"))

        assert answer(client)[1] == b'["POST", "/unread", "unread"]'
        assert answer(client) == (0, b"")


def test_a_large_answer_arrives_whole_at_a_client_that_is_slow_to_take_it(hurried: int) -> None:
    with connected(hurried) as client:
        client.sendall(request("GET", "/large"))
        time.sleep(0.5)

        status, body = answer(client)

    assert (status, len(body)) == (200, 3_000_000)


def test_no_header_says_where_the_request_stands(patient: int) -> None:
    """gunicorn would cut SCRIPT_NAME off the path, and so lead round a rule of a proxy that goes by paths."""
    with connected(patient) as client:
        client.sendall(b"GET /held/fine HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /held\r\nPATH_INFO: /x\r\n\r\n")

        assert answer(client) == (200, b'["GET", "/held/fine", ""]')
