"""Every error code has a page that says what to do, and stands in the docs: in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from blogs.api.errors.codes import CODES, address
from tests.support.problems import problem

_ROOT = Path(__file__).resolve().parents[3]
# Where refusals are made, and how their codes stand there.
_SOURCES = [
    *(_ROOT / "blogs/api").glob("*.py"),
    *(_ROOT / "blogs/api/account").glob("*.py"),
    *(_ROOT / "blogs/api/errors").glob("*.py"),
    *(_ROOT / "config/door").glob("*.py"),
    *(_ROOT / "config/web").glob("*.py"),
    _ROOT / "wix/webhooks/token.py",
    _ROOT / "wix/identity/auth.py",
    _ROOT / "blogs/queue/admission.py",
    _ROOT / "deploy/nginx.conf",
]
_BEFORE = (
    '"code": ',
    r"\bcode=",
    r'"code": "not_ready" if .* else ',
    r"refused\(request, \d{3}, ",
    r"Refusal\(\s*\d{3},\s*",
    r"default_code = ",
    r"InvalidWebhook\(\d{3}, ",
    r"_not_now\(request, ",
    r"NoRoom\(\s*",
    "PLAN_LIMIT = ",
    'PermissionDenied\\("[^"]*", ',
)
_NAMED = re.compile(f"""(?:{"|".join(_BEFORE)})"([a-z_]+)\"""")
# Of `errors` within a problem, not of problems.
_OF_FIELDS = {"passed", "unknown"}
# Chosen by REST framework.
_OF_THE_FRAMEWORK = {
    "parse_error",
    "not_authenticated",
    "not_acceptable",
    "unsupported_media_type",
    "throttled",
    "invalid_token",
}


def _used() -> set[str]:
    found = {code for path in _SOURCES if path.name != "codes.py" for code in _NAMED.findall(path.read_text())}
    return (found | _OF_THE_FRAMEWORK) - _OF_FIELDS


def _documented() -> Iterator[tuple[int, str]]:
    errors = (_ROOT / "docs/api.md").read_text().split("\n## Errors\n")[1]
    for http, codes in re.findall(r"^\| (\d{3}) \| ([^|]*) \|", errors, re.MULTILINE):
        for code in re.findall(r"`([a-z_]+)`", codes):
            yield int(http), code


def test_every_code_that_is_used_has_a_page_and_every_page_is_of_a_code_that_is_used() -> None:
    assert _used() == set(CODES)


def test_the_docs_name_every_code_with_its_status() -> None:
    assert set(_documented()) == {(about.http, code) for code, about in CODES.items()}


@pytest.mark.parametrize("code", CODES)
def test_a_problems_type_leads_to_what_it_means(client: Client, code: str) -> None:
    response = client.get(address(code))

    assert response.status_code == 200
    page = response.content.decode()
    for part in (code, str(CODES[code].http), "What it means", "What to do", "&quot;requestId&quot;"):
        assert part in page


def test_all_codes_are_listed_on_one_page(client: Client) -> None:
    page = client.get("/api/errors/").content.decode()

    assert [code for code in CODES if f'<a href="{address(code)}">' not in page] == []


@pytest.mark.parametrize("slug", ["nothing", "NOT-FOUND", "x" * 500, "%00"])
def test_what_is_no_code_has_no_page(client: Client, slug: str) -> None:
    problem(client.get(f"/api/errors/{slug}"), 404, "not_found")
