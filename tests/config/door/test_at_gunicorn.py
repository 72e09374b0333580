"""Requests as they arrive at a real gunicorn: in chunks, and with content types for which no request of Django's can be made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.database import database_url
from tests.support.web_server import exchange, request, served
from wix.identity.signed_instance import sign_instance

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

_WISH = json.dumps({"sourceType": "keyword", "sourceId": "wool"}).encode()
_JSON = "application/json"


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    ours = {"WIX_APP_ID": settings.WIX_APP_ID, "WIX_APP_SECRET": settings.WIX_APP_SECRET}
    production = {"DEBUG": "false", "SECRET_KEY": settings.SECRET_KEY}
    with served(DATABASE_URL=database_url(), WEB_PROCESSES="1", WEB_THREADS="2", **ours, **production) as number:
        yield number


@pytest.fixture(scope="module")
def served_by_gunicorn() -> Iterator[int]:
    """A process for what needs no database."""
    with served(WEB_PROCESSES="1", WEB_THREADS="2", PREFLIGHT_REFUSES="false") as number:
        yield number


def _problem(port: int, sent: bytes) -> tuple[int, str]:
    status, body = exchange(port, sent)
    told: dict[str, Any] = json.loads(body)
    assert told["requestId"]
    assert told["status"] == status
    return status, told["code"]


def _chunked(body: bytes, size: int = 7) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_body_that_is_needed_comes_with_a_length_or_in_chunks(port: int) -> None:
    token = f"Bearer {sign_instance(factories.site().instance_id)}"

    for path in ("/api/blog-generation", "/api/blog-generation/bulk", "/api/webhooks"):
        sent = request("POST", path, Authorization=token, Content_Type=_JSON)
        assert _problem(port, sent) == (411, "length_required")
    # Where none is needed, none is asked for: there is no such blog.
    cancelled = request("POST", "/api/blog-generation/1/cancel", Authorization=token)
    assert _problem(port, cancelled) == (404, "not_found")


def test_a_request_in_chunks_is_as_good_as_any_and_no_larger(port: int) -> None:
    """.NET, Java, Go and some proxies send without a Content-Length."""
    token = f"Bearer {sign_instance(factories.site().instance_id)}"

    def post(body: bytes, path: str = "/api/blog-generation") -> bytes:
        return request("POST", path, body, Authorization=token, Content_Type=_JSON, Transfer_Encoding="chunked")

    status, body = exchange(port, post(_chunked(_WISH)))
    assert (status, json.loads(body)["sourceId"]) == (201, "wool")
    assert _problem(port, post(_chunked(b"{" + b" " * 65_536, size=8_192))) == (413, "request_too_large")
    assert _problem(port, post(_chunked(b" " * 262_145, size=8_192), "/wix/webhooks")) == (413, "request_too_large")
    assert _problem(port, post(_chunked(b"{"))) == (400, "parse_error")
    assert BlogGeneration.objects.count() == 1


@pytest.mark.parametrize("path", ["/api/blog-generation?a=b", "/nothing?a=b", "/admin/login/?next=/admin/", "/?a=b"])
def test_a_content_type_that_cannot_be_read_is_told_like_any_other_mistake(port: int, path: str) -> None:
    for parameter in (
        "charset=hex",
        "charset=undefined",
        "charset=idna",
        "charset*=undefined''x",
        "charset*=x''y; charset*0=z",
    ):
        sent = request("POST", path, b"abc", Content_Type=f"{_JSON}; {parameter}", Content_Length="3")
        assert _problem(port, sent) == (400, "malformed"), parameter


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"GET /api/credits?" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, "uri_too_long")),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 120 + b"\r\n", (431, "headers_too_large")),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, (431, "headers_too_large")),
        (b"NONSENSE\r\n\r\n", (400, "malformed")),
        (b"GET / HTTP/9.9\r\n\r\n", (400, "malformed")),
        (b"GET / HTTP/1.1\r\nA B: c\r\n\r\n", (400, "malformed")),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: spoken\r\n\r\n0\r\n\r\n", (501, "not_implemented")),
        (b"POST /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", (405, "method_not_allowed")),
        (b"PUT /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", (405, "method_not_allowed")),
    ],
    ids=[
        "long address",
        "many headers",
        "endless head",
        "nonsense",
        "version",
        "header",
        "coding",
        "health",
        "metrics",
    ],
)
def test_what_the_server_itself_refuses_is_told_like_any_other_mistake(
    served_by_gunicorn: int, sent: bytes, told: tuple[int, str]
) -> None:
    assert _problem(served_by_gunicorn, sent) == told


def test_fields_without_number_and_another_host_are_told_too(port: int) -> None:
    many = "&".join(["a"] * 1_100)

    for query in ("a=b", many):
        for kind in (_JSON, f"{_JSON}; charset=hex", f"{_JSON}; charset=latin-1"):
            status, _ = _problem(port, request("GET", f"/nothing?{query}", Content_Type=kind))
            assert status in (400, 404)
    assert _problem(port, request("GET", "/nothing", Host="evil.example")) == (400, "malformed")
    assert exchange(port, request("GET", "/health/live", Host="10.1.2.3"))[0] == 200
