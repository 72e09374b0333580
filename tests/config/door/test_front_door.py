"""Requests that would only fail later: refused in one place, in problem+json with an id, and with one quiet line in the log."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData

import config.urls  # noqa: F401  it registers the admin's pages
from tests.support import factories
from tests.support.problems import problem
from workers.models import Breaker

pytestmark = pytest.mark.django_db

_OPERATORS = ["/health", "/health/", "/health/live", "/health/ready", "/health/workers", "/metrics", "/metrics/"]
_PATHS = [
    "/",
    "/api/credits",
    "/api/blog-generation",
    "/admin/",
    "/wix/webhooks",
    "/nothing",
]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path",
    [*_PATHS, "//health", "/healthy", "/health/live/x", "/metrics/x", "/api/rate-limiter/stats/x", "/%6detrics/x"],
)
def test_another_host_is_refused_with_one_line(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture, path: str, debug: bool
) -> None:
    caplog.set_level("DEBUG")
    settings.DEBUG = debug

    for host in ("evil.example", "_", "localhost:80:80", "[::1", "a" * 5_000):
        problem(client.get(path, headers={"host": host}), 400, "malformed")

    lines = [record for record in caplog.records if record.name.startswith(("django", "config"))]
    assert [(record.levelname, record.exc_info) for record in lines] == [("WARNING", None)] * 5
    assert all(len(vars(record)["host"]) <= 100 for record in lines)


@pytest.mark.parametrize("path", _OPERATORS)
def test_probes_and_prometheus_are_answered_by_any_name_and_without_https(
    client: Client, settings: Any, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["blogs.example.com"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    factories.WorkerFactory.create()

    for host in ("10.1.2.3:3000", "[fd00::1]:3000", "evil.example", "_", "blogs.example.com", ""):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 200, host
        assert "evil" not in answer.content.decode()
    # Everything else goes to https, where its host is ours.
    assert client.get("/api/credits", headers={"host": "blogs.example.com"}).status_code == 301
    problem(client.get("/api/credits", headers={"host": "10.1.2.3:3000"}), 400, "malformed")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", [*_PATHS, *_OPERATORS])
def test_a_charset_that_is_none_is_refused_everywhere(client: Client, path: str, method: str) -> None:
    for charset in ("hex", "undefined", "nonsense"):
        answer = client.generic(method, path, b"abc", content_type=f"application/json; charset={charset}")
        problem(answer, 400, "malformed")


def test_an_accept_header_that_cannot_be_read_is_the_callers_mistake(api: Any) -> None:
    shop = api(factories.site())

    problem(shop.post(accept="application/json; x*=nonsense''y"), 400, "malformed")


def _lists() -> list[str]:
    return [f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry]


@pytest.mark.parametrize(
    "query", ["q=%00", "q=wool%00", "status__exact=%00", "error=%00", "%00=1", "created_at__gte=2026-01-01%00", "p=%00"]
)
@pytest.mark.parametrize("name", _lists())
def test_a_nul_in_a_lists_query_is_refused(desk: Client, name: str, query: str) -> None:
    factories.failed_generation()

    problem(desk.get(f"{reverse(name)}?{query}"), 400, "malformed")


@pytest.mark.parametrize(
    "query", ["q=%2500", "q=%ED%A0%80", "q=%C0%80", "q=%FF", "created_at__gte=99999-99-99", "p=-1"]
)
@pytest.mark.parametrize("name", _lists())
def test_what_else_is_odd_in_a_lists_query_is_no_error_of_ours(desk: Client, name: str, query: str) -> None:
    assert desk.get(f"{reverse(name)}?{query}").status_code < 500


def test_a_nul_in_the_address_of_a_page_or_in_a_cookie_is_refused(desk: Client) -> None:
    Breaker.objects.get_or_create(provider="wix")

    problem(desk.get("/admin/workers/breaker/wix%00/change/"), 400, "malformed")
    stranger = Client(
        raise_request_exception=False, headers={"cookie": 'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000"'}
    )
    problem(stranger.get("/admin/"), 400, "malformed")


def test_what_django_finds_suspicious_is_a_problem_without_a_traceback(
    desk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    many = "&".join(f"a{number}=1" for number in range(1_100))

    problem(desk.get(f"/admin/blogs/bloggeneration/?{many}"), 400, "malformed")
    problem(desk.post("/admin/login/", {"username": "a" * 70_000}), 413, "request_too_large")

    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


# --- Bodies without a length ------------------------------------------------------------------------------------------


def _in_chunks(client: Any, path: str, stream: Any, **headers: str) -> Any:
    extra: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input": stream, "wsgi.input_terminated": True}
    extra["HTTP_TRANSFER_ENCODING"] = "chunked"
    return client.generic("POST", path, headers=headers, CONTENT_TYPE="application/json", **extra)


def test_a_request_in_chunks_is_read_within_the_limit(client: Client, api: Any, settings: Any) -> None:
    headers = api(factories.site()).headers
    wish = b'{"sourceType": "keyword", "sourceId": "wool"}'
    path = "/api/blog-generation"

    assert _in_chunks(client, path, BytesIO(wish), **headers).json()["sourceId"] == "wool"
    full = wish + b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE - len(wish))
    assert _in_chunks(client, path, BytesIO(full), **headers).status_code == 201
    problem(_in_chunks(client, path, BytesIO(full + b" "), **headers), 413, "request_too_large")
    problem(_in_chunks(client, path, BytesIO(b""), **headers), 400, "invalid")


def test_no_door_takes_more_in_chunks_than_with_a_length(client: Client) -> None:
    for path in ("/api/blog-generation", "/admin/login/", "/wix/webhooks"):
        problem(_in_chunks(client, path, BytesIO(b"a" * 300_000)), 413, "request_too_large")


@pytest.mark.parametrize(
    "error",
    [InvalidChunkSize(b"x"), ChunkMissingTerminator(b"x"), NoMoreData(), ConnectionResetError(), TimeoutError()],
)
def test_a_body_that_breaks_off_is_the_callers_mistake(client: Client, api: Any, error: Exception) -> None:
    class Broken(BytesIO):
        def read(self, *args: Any) -> bytes:
            raise error

    for path in ("/api/blog-generation", "/wix/webhooks"):
        problem(_in_chunks(client, path, Broken(), **api(factories.site()).headers), 400, "malformed")


def test_a_body_of_a_known_length_that_breaks_off_is_no_error_of_ours(
    client: Client, api: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(BytesIO):
        def read(self, *args: Any) -> bytes:
            raise ConnectionResetError

    extra: dict[str, Any] = {"CONTENT_LENGTH": "100", "CONTENT_TYPE": "application/json", "wsgi.input": Broken()}
    headers = api(factories.site()).headers
    answer = client.generic("POST", "/api/blog-generation", headers=headers, **extra)

    problem(answer, 400, "malformed")
    assert not [record for record in caplog.records if record.exc_info]
