from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from blogs.models import BlogGeneration, GenerationEvent
from blogs.queue import lifecycle
from blogs.queue.forecast import outlook
from tests.support import factories
from tests.support.problems import refused_fields

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


@pytest.mark.parametrize(
    "status", ["", "done", "ALL", "%00", "DONE,", "DONE,done", "x" * 5_000, "%ED%A0%80"], ids=ascii
)
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


@pytest.mark.parametrize(
    "limit", ["0", "-1", "abc", "101", "1000000000000", "", "1.5", "\u0663", " 5", "5_0"], ids=ascii
)
def test_a_page_size_out_of_range_is_refused(api: Any, limit: str) -> None:
    assert refused_fields(api(factories.site()).get(f"/api/blog-generation?limit={quote(limit)}")) == {
        "limit": "invalid"
    }


def test_a_page_has_as_many_as_were_asked_for(api: Any) -> None:
    site = factories.site(credits=101 * 25)
    for _ in range(101):
        factories.pending_generation(site)

    assert len(_ids(api(site).get("/api/blog-generation"))) == 50
    assert len(_ids(api(site).get("/api/blog-generation?limit=100"))) == 100
    assert len(_ids(api(site).get("/api/blog-generation?limit=1"))) == 1


@pytest.mark.parametrize(
    "position",
    ["p=abc", "p=%00", f"p={'9' * 30}", f"p={'9' * 5_000}", "o=abc", "r=1&p=-1.5", "p=1&o=99", "\x00", "r=1", ""],
    ids=["word", "NUL", "huge", "endless", "offset", "fraction", "far", "nothing", "no place", "empty"],
)
def test_a_made_up_cursor_is_refused_and_never_an_error_of_ours(api: Any, position: str) -> None:
    site = factories.site()
    factories.pending_generation(site)
    cursor = base64.b64encode(position.encode()).decode()

    response = api(site).get(f"/api/blog-generation?cursor={quote(cursor)}")

    assert refused_fields(response) == {"cursor": "invalid"}


@pytest.mark.parametrize("cursor", ["%00", "é", "====", "x" * 4_000], ids=["NUL", "letter", "padding", "long"])
def test_a_cursor_that_is_none_is_refused(api: Any, cursor: str) -> None:
    response = api(factories.site()).get(f"/api/blog-generation?cursor={cursor}")

    assert refused_fields(response) == {"cursor": "invalid"}


def test_several_statuses_are_listed_together_in_either_form(api: Any) -> None:
    site = factories.site()
    done, failed = factories.done_generation(site).pk, factories.failed_generation(site).pk
    factories.pending_generation(site)

    for query in ("status=DONE,FAILED", "status=FAILED&status=DONE"):
        assert _ids(api(site).get(f"/api/blog-generation?{query}")) == [failed, done]


def test_blogs_are_listed_by_their_numbers_and_only_ones_own(api: Any) -> None:
    site, other = factories.site(), factories.pending_generation(factories.site())
    mine = [factories.pending_generation(site).pk for _ in range(3)]

    listed = api(site).get(f"/api/blog-generation?ids={mine[0]},{mine[2]},{other.pk},{other.pk + 9}")

    assert _ids(listed) == [mine[2], mine[0]]


@pytest.mark.parametrize(
    "ids", ["", "1,", "a", "-1", "1.0", "\u0663", "9" * 19, ",".join(["1"] * 101), "%00"], ids=ascii
)
def test_numbers_that_no_blog_has_are_refused(api: Any, ids: str) -> None:
    assert refused_fields(api(factories.site()).get(f"/api/blog-generation?ids={ids}")) == {"ids": "invalid"}


def test_blogs_are_listed_by_when_they_were_asked_for_and_when_they_changed(api: Any) -> None:
    site = factories.site()
    first, second = factories.pending_generation(site), factories.pending_generation(site)
    BlogGeneration.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=2))
    GenerationEvent.objects.filter(generation=first).update(created_at=timezone.now() - timedelta(hours=2))
    client, hour = api(site), quote((timezone.now() - timedelta(hours=1)).isoformat())

    assert _ids(client.get(f"/api/blog-generation?createdAfter={hour}")) == [second.pk]
    assert _ids(client.get(f"/api/blog-generation?createdBefore={hour}")) == [first.pk]
    assert _ids(client.get(f"/api/blog-generation?updatedAfter={hour}")) == [second.pk]
    lifecycle.cancel(first.pk, by="shop")
    changed = client.get(f"/api/blog-generation?updatedAfter={hour}")
    assert _ids(changed) == [second.pk, first.pk]
    assert changed.json()["results"][1]["updatedAt"] > changed.json()["results"][1]["createdAt"]


@pytest.mark.parametrize("name", ["createdAfter", "createdBefore", "updatedAfter"])
@pytest.mark.parametrize(
    "moment", ["", "yesterday", "2026-12-24T09:00:00", "2026-12-24T09:00:00+01:00", "%00", "9" * 999]
)
def test_a_time_without_its_offset_is_refused_and_so_is_an_offset_that_became_a_space(
    api: Any, name: str, moment: str
) -> None:
    response = api(factories.site()).get(f"/api/blog-generation?{name}={moment}")

    assert refused_fields(response) == {name: "invalid"}
    assert "%2B" in response.json()["errors"][0]["message"]


def test_blogs_are_found_by_words_of_their_source(api: Any) -> None:
    site = factories.site()
    found = factories.pending_generation(site, source_id="Warm WOOL scarves").pk
    factories.pending_generation(site, source_id="silk")

    assert _ids(api(site).get("/api/blog-generation?q=wool%20sc")) == [found]
    assert _ids(api(site).get("/api/blog-generation?q=100%25")) == []
    for senseless in ("", "%00", "x" * 500):
        assert set(refused_fields(api(site).get(f"/api/blog-generation?q={senseless}"))) == {"q"}


def test_blogs_are_found_by_the_pairs_that_their_shop_gave_them(api: Any) -> None:
    site = factories.site()
    client = api(site)
    body = {"sourceType": "keyword", "sourceId": "wool"}
    first, second, _ = (
        client.post({**body, **more}).json()["id"]
        for more in ({"metadata": {"order": "17", "by": "a:b"}}, {"metadata": {"order": "17"}}, {})
    )
    api(factories.site()).post({**body, "metadata": {"order": "17"}})

    assert _ids(client.get("/api/blog-generation?metadata=order:17")) == [second, first]
    assert _ids(client.get("/api/blog-generation?metadata=order:17&metadata=by:a:b")) == [first]
    assert _ids(client.get("/api/blog-generation?metadata=order:1")) == []
    for senseless in ("", "order", "order:", ":17", "o%20r:1"):
        assert set(refused_fields(client.get(f"/api/blog-generation?metadata={senseless}"))) == {"metadata"}


@pytest.fixture
def a_moment_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers of the same moment say the same, however long the machine takes between them: estimates go on with the clock."""
    monkeypatch.setattr(outlook, "_FRESH_SECONDS", float("inf"))
    monkeypatch.setattr(outlook.Outlook, "now", lambda seen: seen.read_at)


@pytest.mark.usefixtures("a_moment_lasts")
def test_the_list_shows_each_blog_as_it_is_shown_alone(api: Any) -> None:
    site = factories.site()
    client = api(site)
    for make in (factories.done_generation, factories.failed_generation, factories.processing_generation):
        make(site)
    factories.pending_generation(site)
    factories.pending_generation(site)

    for item in client.get("/api/blog-generation").json()["results"]:
        alone = client.get(f"/api/blog-generation/{item['id']}").json()
        assert {name: alone.pop(name) for name in ("article", "publishing", "quality", "warnings")}
        assert item == alone


def test_the_list_says_of_each_where_it_stands(api: Any) -> None:
    site = factories.site()
    factories.pending_generation(factories.site())
    for _ in range(3):
        factories.pending_generation(site)

    listed = api(site).get("/api/blog-generation").json()["results"]

    alone = [api(site).get(f"/api/blog-generation/{blog['id']}").json()["queuePosition"] for blog in listed]
    assert [blog["queuePosition"] for blog in listed] == alone
    assert [blog["creditsHeld"] for blog in listed] == [25, 25, 25]


def test_a_page_takes_few_statements_however_long_it_is(api: Any, django_assert_max_num_queries: Any) -> None:
    site = factories.site(credits=2_500)
    for _ in range(30):
        factories.pending_generation(site)
    client = api(site)
    client.get("/api/blog-generation")

    with django_assert_max_num_queries(12):
        assert len(_ids(client.get("/api/blog-generation"))) == 30
