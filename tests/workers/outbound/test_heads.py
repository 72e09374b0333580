"""An answer whose head is not whole is none: it has lost its length, so that its body reads as empty, and as a success."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from workers.context.deadline import within
from workers.outbound.transports import RequestsAdapter

_BODY = b'{"draftPost": {}}'


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """Answer one request with these bytes, and close the connection."""

    def once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(raw)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=once)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def content_of(raw: bytes) -> bytes:
    with answering(raw) as url, requests.Session() as session, within(10):
        session.mount("http://", RequestsAdapter())
        return session.get(url, timeout=5, allow_redirects=False).content


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nno header at all\r\nContent-Length: 17\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    ],
    ids=["cut", "odd line", "103", "101"],
)
def test_it_is_a_broken_connection(head: bytes) -> None:
    with pytest.raises(requests.ConnectionError):
        content_of(head)


def test_one_that_is_whole_and_has_nothing_to_say_is_an_answer() -> None:
    assert content_of(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == b""
    assert content_of(b"HTTP/1.1 204 No Content\r\n\r\n") == b""
    assert content_of(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + _BODY) == _BODY
