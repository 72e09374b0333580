"""The API's description is whole, true to what is answered, and the same as in openapi.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema import Draft202012Validator

from blogs.api.errors.codes import CODES
from blogs.api.openapi import document, finish, headers
from blogs.api.shown.row import BlogSerializer
from blogs.outgoing import outbox

_HOW = "Say what it takes and answers by @documented beside the view: CONTRIBUTING.md, “A new endpoint”."
_OF_PROBLEMS = "application/problem+json"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document.document()


def _addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for each in patterns:
        here = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLResolver):
            yield from _addresses(each.url_patterns, here) if before or here.startswith("api/") else ()
        elif here.startswith("api/"):
            yield "/" + re.sub(r"/\?|\\Z|\$|\^", "", re.sub(r"\(\?P<\w+>[^)]*\)", "{}", here))


def test_every_address_under_api_is_described(described: dict[str, Any]) -> None:
    known = {re.sub(r"\{\w+\}", "{}", path) for path in described["paths"]}

    missing = sorted(set(_addresses(get_resolver().url_patterns)) - known)
    assert missing == [], f"{_HOW} A view of Django's own is described in blogs/api/openapi/open_addresses.py."


def test_every_view_says_what_it_is(described: dict[str, Any]) -> None:
    silent = [
        f"{method.upper()} {path}" for path, method, it in finish.operations(described) if finish.UNDOCUMENTED in it
    ]

    assert silent == [], _HOW


def test_every_part_of_an_address_is_described_by_its_name(described: dict[str, Any]) -> None:
    for path, method, operation in finish.operations(described):
        named = {it["name"] for it in operation.get("parameters", []) if it["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), f"{method} {path}: a view's `pk` is `id` here"


def test_no_address_is_described_that_there_is_not(described: dict[str, Any]) -> None:
    known = {*_addresses(get_resolver().url_patterns), "/health", "/health/live"}

    assert [path for path in described["paths"] if re.sub(r"\{\w+\}", "{}", path) not in known] == []


def test_the_generator_understands_every_view() -> None:
    GENERATOR_STATS.reset()
    document.document.cache_clear()
    document.document()

    assert [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache] == []


def test_openapi_json_is_as_the_code_has_it() -> None:
    call_command("write_openapi", "--check")


def test_a_change_of_the_code_is_told_with_the_command_that_rewrites_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    changed = json.loads((settings.BASE_DIR / "openapi.json").read_text())
    del changed["paths"]["/api/credits"]
    (tmp_path / "openapi.json").write_text(json.dumps(changed))
    monkeypatch.setattr(settings, "BASE_DIR", tmp_path)

    with pytest.raises(CommandError, match="make openapi"):
        call_command("write_openapi", "--check")


def _answers(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in finish.operations(described):
        for http, answer in operation["responses"].items():
            name = answer.get("$ref", "").rpartition("/")[2]
            yield f"{method} {path} {http}", described["components"]["responses"][name] if name else answer


def test_every_answer_has_an_example_which_has_its_shape(described: dict[str, Any]) -> None:
    for where, answer in _answers(described):
        for media, content in answer.get("content", {}).items():
            shown = [it["value"] for it in content.get("examples", {}).values()]
            shown += [content["example"]] if "example" in content else []
            assert shown, (where, media)
            for example in shown:
                assert _faults(described, content["schema"], example) == [], (where, media)


def test_every_body_has_an_example_which_has_its_shape(described: dict[str, Any]) -> None:
    for path, method, operation in finish.operations(described):
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        assert content.get("examples"), (method, path)
        for example in content["examples"].values():
            assert _faults(described, content["schema"], example["value"]) == [], (method, path)


def test_every_message_to_a_shops_own_endpoint_is_described(described: dict[str, Any]) -> None:
    assert list(described["webhooks"]) == [*outbox.TYPES, outbox.TEST]
    for event, operations in described["webhooks"].items():
        content = operations["post"]["requestBody"]["content"]["application/json"]
        assert _faults(described, content["schema"], content["example"]) == [], event


def test_every_problem_that_the_service_answers_is_an_example_somewhere(described: dict[str, Any]) -> None:
    of_wix = {
        "malformed_token",
        "bad_signature",
        "bad_algorithm",
        "not_yet_valid",
        "expired",
        "webhooks_not_configured",
    }
    told = {
        code
        for _, answer in _answers(described)
        for code in answer.get("content", {}).get(_OF_PROBLEMS, {}).get("examples", {})
    }

    assert set(CODES) - told - of_wix - {"permission_denied"} == set()


def test_every_problem_says_which_header_comes_with_it(described: dict[str, Any]) -> None:
    found = {where.rpartition(" ")[2]: set(answer.get("headers", {})) for where, answer in _answers(described)}

    of_all = {"X-Request-ID", "RateLimit-Policy", "RateLimit"}
    assert found["405"] == of_all | {"Allow"}
    assert found["401"] == of_all | {"WWW-Authenticate"}
    assert "Retry-After" in found["429"]
    assert all("X-Request-ID" in names for names in found.values())


def test_every_header_that_is_described_is_used(described: dict[str, Any]) -> None:
    whole = json.dumps(described)

    assert [name for name in described["components"]["headers"] if f'"#/components/headers/{name}"' not in whole] == []
    assert {name for name in headers.FIELDS if f'"{name}"' in whole} == set(headers.FIELDS)


def test_every_body_refuses_what_it_does_not_know(described: dict[str, Any]) -> None:
    for path, method, operation in finish.operations(described):
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert _faults(described, schema, {"nothing of ours": 1}), (method, path)


def test_a_blog_is_described_with_every_field_that_it_is_shown_with(described: dict[str, Any]) -> None:
    fields = described["components"]["schemas"]["BlogAlone"]["properties"]

    assert set(fields) == {*BlogSerializer.Meta.fields, "article", "publishing", "quality", "warnings"}


def _faults(described: dict[str, Any], schema: dict[str, Any], example: Any) -> list[str]:
    whole = {"$ref": "#/schema", "schema": schema, "components": described["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    return [error.message for error in Draft202012Validator(whole, format_checker=checker).iter_errors(example)]
