from __future__ import annotations

import time

import pytest

from config.web.arrival import HEAD_MAX, Arrival

_MAX = 1_000
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no headers": b"GET / HTTP/1.1\r\n\r\n",
    "an empty line before it": b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length": b"POST / HTTP/1.1\r\ncontent-LENGTH:4\r\n\r\nabcd",
    "a length of 0": b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "chunks": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    "chunks that look like an end": b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n",
    "trailers": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\nZ: 1\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_is_complete_with_its_last_byte_and_not_before(name: str) -> None:
    arrival = Arrival(_MAX)

    complete = []
    for byte in WHOLE[name]:
        arrival.take(bytes([byte]))
        complete.append(arrival.is_complete)

    assert complete == [False] * (len(complete) - 1) + [True]


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_that_comes_in_one_piece_is_complete_with_what_follows_it(name: str) -> None:
    arrival = Arrival(_MAX)

    arrival.take(WHOLE[name] + b"GET /next")

    assert arrival.is_complete
    assert arrival.received == WHOLE[name] + b"GET /next"


@pytest.mark.parametrize(
    "refusable",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"9" * 9_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 2_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 14_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"a" * 1_001,
    ],
)
def test_what_will_be_refused_is_not_waited_for(refusable: bytes) -> None:
    arrival = Arrival(_MAX)

    arrival.take(refusable)

    assert arrival.is_complete


def test_a_chunk_that_only_announces_much_is_waited_for() -> None:
    arrival = Arrival(_MAX)

    arrival.take(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nabc")

    assert not arrival.is_complete


def test_a_head_has_an_end_or_a_largest_size() -> None:
    arrival = Arrival(_MAX)

    arrival.take(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (HEAD_MAX // 6))
    assert arrival.head_is_too_large


def test_pieces_of_one_byte_cost_no_more_than_their_number() -> None:
    """What the main loop does for one client, all others wait for."""
    arrival = Arrival(256 * 1024)
    arrival.take(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")

    began = time.process_time()
    for _ in range(40_000):
        for byte in (b"1", b"\r", b"\n", b"a", b"\r", b"\n"):
            arrival.take(byte)

    assert time.process_time() - began < 3
