"""No answer takes more memory than we give it, in whatever encoding it comes, with each of our three HTTP clients."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import httpx
import httpx2
import openai
import pytest
import requests

from tests.sandbox import Sandbox
from workers.context.deadline import within
from workers.outbound.bodies import UnusableBody, bounded
from workers.outbound.transports import Httpx2Transport, HttpxTransport, RequestsAdapter

_MOST = 1_000_000
_MEGABYTES = 40  # of memory; the bomb has 256


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    with within(60):
        yield


def by_openai(sandbox: Sandbox) -> object:
    with (
        httpx2.Client(transport=Httpx2Transport()) as http,
        openai.OpenAI(api_key="k", base_url=sandbox.openai_url, max_retries=0, http_client=http) as client,
    ):
        return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])


def by_httpx(sandbox: Sandbox) -> object:
    with httpx.Client(transport=HttpxTransport(), headers={"Authorization": "Bearer k"}) as client:
        return client.get(f"{sandbox.replicate_url}/v1/predictions/x").text


def by_requests(sandbox: Sandbox) -> object:
    with requests.Session() as session:
        session.mount("http://", RequestsAdapter())
        url, headers = f"{sandbox.replicate_url}/v1/predictions/x", {"Authorization": "Bearer k"}
        return session.get(url, headers=headers, timeout=30, allow_redirects=False).text


CLIENTS = pytest.mark.parametrize(
    ("ask", "provider"), [(by_openai, "openai"), (by_httpx, "replicate"), (by_requests, "replicate")]
)


@CLIENTS
def test_a_bomb_in_two_encodings_is_refused_before_it_takes_memory(
    sandbox: Sandbox, ask: Callable[[Sandbox], object], provider: str
) -> None:
    sandbox.reset()
    ask(sandbox)
    sandbox.fault(provider, "gzip_bomb", times=2)
    with pytest.raises((UnusableBody, openai.APIConnectionError)):
        ask(sandbox)  # now the stand-in has made its bomb

    tracemalloc.start()
    with pytest.raises((UnusableBody, openai.APIConnectionError)):
        ask(sandbox)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < _MEGABYTES * 1024 * 1024


@CLIENTS
def test_no_encoding_is_asked_for(sandbox: Sandbox, ask: Callable[[Sandbox], object], provider: str) -> None:
    sandbox.reset()

    ask(sandbox)

    assert [request["headers"]["Accept-Encoding"] for request in sandbox.requests(provider)] == ["identity"]


def read(body: bytes, encoding: str, *, piece: int = 1_000) -> bytes:
    return b"".join(bounded((body[at : at + piece] for at in range(0, len(body), piece)), encoding, _MOST))


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [
        (bytes, ""),
        (bytes, "identity"),
        *((bytes, word) for word in ("none", "UTF-8", "utf8", "binary", "8bit", "aws-chunked")),
        (gzip.compress, "gzip, utf-8"),
        (gzip.compress, "gzip"),
        (gzip.compress, " X-GZip "),
        (zlib.compress, "deflate"),
        (lambda text: gzip.compress(gzip.compress(text)), "gzip, gzip"),
        (lambda text: gzip.compress(zlib.compress(text)), "deflate, identity, gzip"),
    ],
)
def test_an_encoding_that_we_did_not_ask_for_is_read(encode: Callable[[bytes], bytes], encoding: str) -> None:
    text = b"as it was written; " * 10_000

    assert read(encode(text), encoding) == text
    assert read(encode(text), encoding, piece=1) == text


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip", "br", ""])
def test_nothing_at_all_is_an_answer_in_any_encoding_that_we_know(encoding: str) -> None:
    if encoding == "br":
        with pytest.raises(UnusableBody):
            read(b"", encoding)
    else:
        assert read(b"", encoding) == b""


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"a" * (_MOST + 1), ""),
        (gzip.compress(b"a" * (_MOST + 1)), "gzip"),
        (gzip.compress(gzip.compress(b"a" * (_MOST + 1))), "gzip, gzip"),
        (zlib.compress(b"a" * (_MOST + 1)), "deflate"),
        (gzip.compress(b"a") + b"more" * _MOST, "gzip"),
        (gzip.compress(b"a" * 100) + gzip.compress(b"b"), "gzip"),
        (gzip.compress(gzip.compress(gzip.compress(b"a"))), "gzip, gzip, gzip"),
        (b"not encoded", "gzip"),
        (gzip.compress(b"a" * 1_000)[:-9], "gzip"),
        (b"\x0b\x02\x80abc\x03", "br"),
        (b"", "zstd"),
    ],
    ids=["plain", "gzip", "twice", "deflate", "followed", "members", "thrice", "not encoded", "cut", "br", "zstd"],
)
def test_what_is_too_large_or_cannot_be_read_is_no_answer(body: bytes, encoding: str) -> None:
    with pytest.raises(UnusableBody):
        read(body, encoding)


@pytest.mark.parametrize("charset", ["utf-8", "base64", "zlib_codec", "idna", "nothing", '"'])
def test_a_charset_changes_nothing(charset: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, headers={"Content-Type": f"application/json; charset={charset}"}, content="ö".encode()
        )

    transport = HttpxTransport()
    transport._pool = _Pool(answer)  # type: ignore[assignment]

    with httpx.Client(transport=transport) as client:
        assert client.get("http://sandbox.example/").text == "ö"


class _Pool:
    """Stands where the transport's connections are, and answers by itself."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer

    def handle_request(self, request: object) -> object:
        answer = self._answer(httpx.Request("GET", "http://sandbox.example/"))
        core = type("Answer", (), {})()
        core.status, core.headers, core.extensions = answer.status_code, answer.headers.raw, {}
        core.stream = [answer.content]
        return core

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *error: object) -> None: ...

    def close(self) -> None: ...
