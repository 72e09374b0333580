from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import factories
from tests.support.problems import problem, refused_fields

pytestmark = pytest.mark.django_db


def _ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [blog["id"] for blog in response.json()["results"]]


def test_only_ones_own_blogs_are_listed_newest_first(api: Any) -> None:
    site = factories.site()
    mine = [factories.pending_generation(site).pk for _ in range(3)]
    factories.pending_generation(factories.site())

    assert _ids(api(site).get("/api/blog-generation")) == mine[::-1]


def test_a_site_without_blogs_has_an_empty_list(api: Any) -> None:
    body = api(factories.site()).get("/api/blog-generation").json()

    assert body == {"next": None, "previous": None, "results": []}


def test_a_status_narrows_the_list(api: Any) -> None:
    site = factories.site()
    made = {
        "DONE": factories.done_generation(site).pk,
        "FAILED": factories.failed_generation(site).pk,
        "PROCESSING": factories.processing_generation(site).pk,
        "PENDING": factories.pending_generation(site).pk,
    }

    listed = {status: _ids(api(site).get(f"/api/blog-generation?status={status}")) for status in made}

    assert listed == {status: [pk] for status, pk in made.items()}
    assert _ids(api(site).get("/api/blog-generation?status=CANCELLED")) == []


@pytest.mark.parametrize("status", ["done", "ALL", "%00", "DONE,FAILED", "x" * 5_000, "%ED%A0%80"], ids=ascii)
def test_an_unknown_status_is_answered_with_the_allowed_ones(api: Any, status: str) -> None:
    response = api(factories.site()).get(f"/api/blog-generation?status={status}")

    assert refused_fields(response) == {"status": "invalid"}
    assert "PENDING, PROCESSING, DONE, FAILED, CANCELLED" in response.json()["errors"][0]["message"]
    assert len(response.content) < 1_000


def test_pages_show_every_blog_once_and_in_order_while_new_ones_arrive(api: Any) -> None:
    site = factories.site()
    before = [factories.pending_generation(site).pk for _ in range(7)]
    client = api(site)

    seen, address = [], "/api/blog-generation?limit=3"
    while address:
        page = client.get(address)
        seen += _ids(page)
        address = page.json()["next"]
        factories.pending_generation(site)

    assert seen == before[::-1]


def test_a_page_leads_back_to_the_one_before(api: Any) -> None:
    site = factories.site()
    for _ in range(4):
        factories.pending_generation(site)
    client = api(site)
    first = client.get("/api/blog-generation?limit=2")
    second = client.get(first.json()["next"])

    assert _ids(client.get(second.json()["previous"])) == _ids(first)


def test_pages_keep_the_status_they_were_asked_for(api: Any) -> None:
    site = factories.site()
    failed = [factories.failed_generation(site).pk for _ in range(3)]
    factories.pending_generation(site)
    client = api(site)

    first = client.get("/api/blog-generation?limit=2&status=FAILED")

    assert _ids(first) + _ids(client.get(first.json()["next"])) == failed[::-1]


@pytest.mark.parametrize(("limit", "shown"), [("0", 3), ("-1", 3), ("abc", 3), ("2", 2), ("1000000000000", 3)])
def test_a_senseless_page_size_is_ignored(api: Any, limit: str, shown: int) -> None:
    site = factories.site()
    for _ in range(3):
        factories.pending_generation(site)

    assert len(_ids(api(site).get(f"/api/blog-generation?limit={limit}"))) == shown


def test_a_page_has_at_most_a_hundred(api: Any) -> None:
    site = factories.site(credits=101 * 25)
    for _ in range(101):
        factories.pending_generation(site)

    assert len(_ids(api(site).get("/api/blog-generation?limit=500"))) == 100


@pytest.mark.parametrize(
    "position",
    ["p=abc", "p=%00", f"p={'9' * 30}", f"p={'9' * 5_000}", "o=abc", "r=1&p=-1.5", "p=1&o=99999999", "\x00"],
    ids=["word", "NUL", "huge", "endless", "offset", "fraction", "far", "nothing"],
)
def test_a_made_up_cursor_is_refused_and_never_an_error_of_ours(api: Any, position: str) -> None:
    site = factories.site()
    factories.pending_generation(site)
    cursor = base64.b64encode(position.encode()).decode()

    response = api(site).get(f"/api/blog-generation?cursor={quote(cursor)}")

    assert response.status_code in (200, 400, 404), response.content
    if response.status_code != 200:
        problem(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize("cursor", ["%00", "é", "====", "x" * 4_000], ids=["NUL", "letter", "padding", "long"])
def test_a_cursor_that_is_none_is_refused(api: Any, cursor: str) -> None:
    response = api(factories.site()).get(f"/api/blog-generation?cursor={cursor}")

    assert response.status_code in (200, 400, 404), response.content
