"""What is seen of a dashboard's token without asking Wix: enough to refuse it, never to believe it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tests.support.app import APP_ID
from tests.support.wix.instances import base64url
from wix.identity import token_form
from wix.identity.token_form import InvalidToken

_NOW = int(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp())
_HEADER = {"alg": "HS256", "kid": "x"}


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(_NOW, tick=False):
        yield


def _token(claims: Any, header: Any = _HEADER) -> str:
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    return "OauthNG.JWS." + ".".join(map(base64url, [*parts, b"signature"]))


def _data(app: Any) -> str:
    return json.dumps({"instance": {"instanceId": "x", "appDefId": app}})


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": _NOW + 60},
        {"exp": str(_NOW + 60), "iat": 1},
        {"exp": _NOW - 60},
        {"exp": None, "aud": None, "data": None},
        {"aud": APP_ID},
        {"aud": ["https://www.wix.com", APP_ID]},
        {"aud": "https://www.wixapis.com"},
        {"aud": 7},
        {"data": _data(APP_ID)},
        {"data": {"instance": {"appDefId": APP_ID}}},
        {"data": "{"},
        {"data": json.dumps([1])},
        {"data": json.dumps({"instance": "x"})},
    ],
    ids=ascii,
)
def test_wix_is_asked_about_what_may_be_good(claims: dict[str, Any]) -> None:
    token_form.look(_token(claims))


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": _NOW - 3_600}, "expired"),
        ({"exp": "1700000000"}, "expired"),
        ({"exp": -1e300}, "expired"),
        ({"aud": "another-app"}, "another app"),
        ({"aud": ["another-app", "a-third"]}, "another app"),
        ({"data": _data("another-app")}, "another app"),
        ({"data": _data("")}, "another app"),
    ],
    ids=ascii,
)
def test_one_that_has_ended_or_is_another_apps_is_refused(claims: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidToken, match=told):
        token_form.look(_token(claims))


@pytest.mark.parametrize(
    "token",
    [
        "OauthNG.JWS.x.y.z",
        "OauthNG.JWS.a.b.c",
        _token([]),
        _token(b"{"),
        _token(b"\xff\xfe"),
        _token(b"[" * 2_000 + b"]" * 2_000),
        _token(b'{"a":' + b"9" * 5_000 + b"}"),
        _token({}, header=[]),
        _token({}, header={}),
        _token({}, header={"alg": 7}),
        _token({"more": "a" * 8_000}),
        "OauthNG.JWS.e30.e30",
        _token({}) + ".more",
        _token({}) + "\n",
    ],
    ids=lambda token: token[:60],
)
def test_what_is_no_token_of_wix_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken, match="form"):
        token_form.look(token)
