"""Secrets and personal data in payloads are dots on the desk."""

from __future__ import annotations

import time
from typing import Any

import pytest

from blogs.desk.masking import in_text, masked

DOTS = "•••"


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "refreshToken",
        "client-secret",
        "Authorization",
        "apiKey",
        "email",
        "firstName",
        "Phone",
    ],
)
@pytest.mark.parametrize("value", ["x", 7, ["x", "y"]])
def test_fields_that_are_named_so_are_dots(name: str, value: Any) -> None:
    found = masked({"data": {name: value}})["data"][name]

    assert found == ([DOTS, DOTS] if isinstance(value, list) else DOTS)


@pytest.mark.parametrize(
    "name", ["max_tokens", "tokens", "tokensReserved", "emailVerified", "name", "keyword", "monkey"]
)
def test_other_fields_stay(name: str) -> None:
    value: Any = True if name == "emailVerified" else "seen"

    assert masked({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to ada.l+x@mail.shop.example now", f"write to a{DOTS}@mail.shop.example now"),
        ("Authorization: Bearer abcdefgh12345", f"Authorization: Bearer {DOTS}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", DOTS),
        ("key sk-proj-abcdefghijkl1234", f"key {DOTS}"),
        ("token r8_abcdefghijkl1234", f"token {DOTS}"),
        ("key blog_" + "a" * 43, f"key {DOTS}"),
        ("20 % @ noon; risk-free; 5@", "20 % @ noon; risk-free; 5@"),
    ],
)
def test_secrets_within_a_text_are_dots(text: str, shown: str) -> None:
    assert in_text(text) == shown


def test_a_payload_keeps_its_shape() -> None:
    payload = {"a": [1, None, True, {"b": "c"}], "d": 1.5}

    assert masked(payload) == payload


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a@" * 100_000,
        "eyJ" * 70_000,
        "eyJ123456789-" * 15_000,
        "x." * 100_000 + "@",
        "a@b." + "c." * 99_000,
    ],
)
def test_a_long_text_takes_no_time(text: str) -> None:
    began = time.process_time()

    in_text(text)

    assert time.process_time() - began < 1
