"""Wix hosts a dashboard page at https://<app id>.wix.run: a browser there asks without credentials before it sends anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem

pytestmark = pytest.mark.django_db

_CALLS = [
    ("/api/blog-generation", "POST"),
    ("/api/blog-generation/", "GET"),
    ("/api/blog-generation/1", "PATCH"),
    ("/api/credits", "GET"),
    ("/api/keys/1", "DELETE"),
    ("/api/nothing", "POST"),
]
_ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture
def page(settings: Any) -> str:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example:8443"]
    return f"https://{settings.WIX_APP_ID}.wix.run"


def _ask(path: str, method: str, origin: str) -> Any:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }
    return Client(raise_request_exception=False).options(path, headers=asked)


@pytest.mark.parametrize(("path", "method"), _CALLS)
def test_a_page_of_ours_may_ask_whether_it_may_send(page: str, path: str, method: str) -> None:
    for origin in (page, "https://shop.example:8443"):
        answer = _ask(path, method, origin)

        assert (answer.status_code, answer[_ALLOW]) == (200, origin)
        allowed = answer["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key"))
        assert method in answer["Access-Control-Allow-Methods"]
        assert int(answer["Access-Control-Max-Age"]) > 0
        assert "origin" in answer["Vary"].lower()
        assert "X-Request-ID" in answer


def _others(own: str) -> list[str]:
    host = own.removeprefix("https://")
    return [
        f"http://{host}",
        f"https://{host}:444",
        f"https://{host}.evil.example",
        f"https://evil.{host}",
        f"https://evil{host}",
        f"https://{host}/",
        f"https://{host}@evil.example",
        "https://evil.example",
        "https://00000000-0000-4000-8000-000000000002.wix.run",
        "https://wix.run",
        "https://.wix.run",
        "https://shop.example",
        "null",
        "*",
        "",
        "https://[",
    ]


def test_no_other_origin_may(page: str, api: Any, settings: Any) -> None:
    shop = api(factories.site())
    for origin in _others(page):
        assert _ALLOW not in _ask("/api/blog-generation", "POST", origin), origin
        assert _ALLOW not in Client().get("/api/credits", headers={**shop.headers, "origin": origin}), origin

    settings.WIX_APP_ID = ""
    assert _ALLOW not in _ask("/api/credits", "GET", "https://.wix.run")


def test_our_own_settings_name_no_other_origin() -> None:
    assert configured.CORS_ALLOWED_ORIGINS == []


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/health", "/metrics", "/wix/webhooks", "/"])
def test_nothing_but_the_api_is_for_pages(page: str, path: str) -> None:
    assert _ALLOW not in _ask(path, "POST", page)
    assert _ALLOW not in Client().get(path, headers={"origin": page})


def test_a_page_reads_every_answer_and_refusal(page: str, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> None:
        raise ZeroDivisionError

    rich, poor = api(factories.site(credits=1_000)), api(factories.site(credits=0))
    body = {"sourceType": "keyword", "sourceId": "wool"}
    answers = {
        201: rich.post(body, origin=page),
        400: rich.post({}, origin=page),
        401: rich.post(body, origin=page, authorization="Bearer x.y"),
        402: poor.post(body, origin=page),
        404: Client().get("/api/nothing", headers={"origin": page}),
        405: Client().delete("/api/credits", headers={**rich.headers, "origin": page}),
        413: rich.post({**body, "more": "a" * 70_000}, origin=page),
    }
    problem(rich.post(body, origin=page, host="evil.example"), 400, "malformed")
    answers[415] = Client().post(
        "/api/blog-generation", b"x", content_type="a/b", headers={**rich.headers, "origin": page}
    )
    monkeypatch.setattr(BlogGeneration, "is_finished", property(broken))
    answers[500] = rich.post(body, origin=page)

    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert {answer.get(_ALLOW) for answer in answers.values()} == {page}
    exposed = answers[201]["Access-Control-Expose-Headers"]
    assert all(name in exposed for name in ("Location", "Retry-After", "X-Request-ID"))
    assert not any("Access-Control-Allow-Credentials" in answer for answer in answers.values())


def test_without_credentials_a_real_call_is_refused_as_before(page: str) -> None:
    problem(Client().options("/api/credits", headers={"origin": page}), 401, "not_authenticated")
    problem(Client().get("/api/credits", headers={"origin": page}), 401, "not_authenticated")
