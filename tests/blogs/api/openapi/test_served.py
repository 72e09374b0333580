"""`/api/schema` and `/api/docs`: without a database, in the form that is asked for, from our own server alone."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client

from tests.support.problems import problem


def test_it_is_json_unless_asked_otherwise(client: Client) -> None:
    answer = client.get("/api/schema")

    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("asked", "accept", "media"),
    [
        ("?format=yaml", "*/*", "application/yaml"),
        ("", "application/yaml", "application/yaml"),
        ("", "application/vnd.oai.openapi", "application/vnd.oai.openapi"),
        ("?format=json", "application/yaml", "application/json"),
        ("", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
    ],
)
def test_format_or_accept_chooses_the_form(client: Client, asked: str, accept: str, media: str) -> None:
    answer = client.get(f"/api/schema{asked}", headers={"accept": accept})

    assert answer["Content-Type"] == f"{media}; charset=utf-8"
    read: Any = (
        yaml.safe_load(answer.content) if "yaml" in media or media.endswith("openapi") else json.loads(answer.content)
    )
    assert read == client.get("/api/schema").json()


@pytest.mark.parametrize(("asked", "accept"), [("?format=xml", "*/*"), ("?format=", "*/*"), ("", "image/png")])
def test_another_form_is_refused(client: Client, asked: str, accept: str) -> None:
    problem(client.get(f"/api/schema{asked}", headers={"accept": accept}), 406, "not_acceptable")


def test_whoever_knows_it_need_not_take_it_again(client: Client) -> None:
    first = client.get("/api/schema")
    again = client.get("/api/schema", headers={"if-none-match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/schema?format=yaml", headers={"if-none-match": first["ETag"]}).status_code == 200


def test_a_post_is_told_what_the_address_takes(client: Client) -> None:
    for path in ("/api/schema", "/api/docs"):
        answer = client.post(path)
        problem(answer, 405, "method_not_allowed")
        assert answer["Allow"] == "GET, HEAD"


def test_the_page_loads_its_own_files_alone(client: Client) -> None:
    answer = client.get("/api/docs")
    page = _Page(answer.content.decode())

    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert page.inline == []
    assert len(page.loaded) >= 3
    for address in page.loaded:
        assert re.fullmatch(r"/static/[\w./-]+", address)
        assert finders.find(address.removeprefix("/static/")), address


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "link", "img"):
            self.loaded.append(given.get("src") or given.get("href") or "inline")
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self.inline += ["style"] if tag == "style" else []
