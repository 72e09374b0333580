"""What a shop sees, shown to staff: by the API's own answers, read only, and told to the audit log."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blogs.models import AuditEntry, BlogGeneration
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import done_generation, failed_generation, pending_generation, site
from wix.models import Site

pytestmark = pytest.mark.django_db


def address(shop: Site) -> str:
    return f"/admin/wix/site/{shop.pk}/as-shop/"


def shown_json(page: str, part: str) -> Any:
    found = re.search(rf'id="{part}".*?<pre[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found
    return json.loads(html.unescape(found[1]))


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what changes from one moment to the next."""
    return {name: value for name, value in answer.items() if not name.startswith("estimated")}


def test_it_shows_what_the_api_answers(desk: Client, api: Any) -> None:
    shop = site()
    done_generation(shop)
    failed_generation(shop)
    waits = pending_generation(shop)
    failed_generation()

    page = text_of(desk, address(shop), blog=waits.pk)

    asked = api(shop)
    listed = text_of(desk, address(shop))
    blogs, theirs = shown_json(listed, "blogs")["results"], asked.get("/api/blog-generation").json()["results"]
    assert [without_times(each) for each in blogs] == [without_times(each) for each in theirs]
    assert shown_json(page, "credits") == asked.get("/api/credits").json()
    alone = shown_json(page, "blog")
    assert without_times(alone) == without_times(asked.get(f"/api/blog-generation/{waits.pk}").json())
    assert "'since'" not in visible(page)  # as JSON has it, and not as Python
    assert alone["queuePosition"] == 1
    assert alone["estimatedWaitSeconds"] is not None


def test_a_shop_that_removed_the_app_is_refused_in_the_apis_words(desk: Client, api: Any) -> None:
    shop = site(removed_at=timezone.now())

    page = text_of(desk, address(shop))

    assert shown_json(page, "credits")["detail"] == api(shop).get("/api/credits").json()["detail"]
    assert f"{api(shop).get('/api/credits').status_code}:" in visible(page)


def test_it_says_that_it_is_a_view_and_has_no_way_to_act(desk: Client) -> None:
    blog = pending_generation()
    page = text_of(desk, address(blog.site), blog=blog.pk).partition('<div class="desk site">')[2]

    assert "This is a view." in visible(page)
    assert "<form" not in page
    assert "<button" not in page


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_takes_nothing(desk: Client, method: str) -> None:
    assert getattr(desk, method)(address(site())).status_code == 405


def test_the_audit_log_tells_who_looked_at_what(desk: Client) -> None:
    blog = pending_generation()

    text_of(desk, address(blog.site))
    text_of(desk, address(blog.site), blog=blog.pk)

    entries = AuditEntry.objects.filter(action="view_as_shop").order_by("id")
    assert [(entry.by, entry.site_id, entry.blog_id) for entry in entries] == [
        ("ada", blog.site_id, None),
        ("ada", blog.site_id, blog.pk),
    ]


def test_who_may_only_see_shops_is_refused_and_told_the_right(desk_with: Callable[..., Client]) -> None:
    shop = site()

    answer = desk_with("wix.view_site").get(address(shop))

    assert answer.status_code == 403
    assert "wix.view_as_shop" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="view_as_shop").exists()


def test_another_shops_blog_is_not_shown(desk: Client) -> None:
    other = failed_generation()

    page = text_of(desk, address(site()), blog=other.pk)

    assert shown_json(page, "blog")["status"] == 404
    assert "content_refused" not in page
    assert AuditEntry.objects.get(action="view_as_shop").blog_id is None


@pytest.mark.parametrize("query", [{"status": "x"}, {"cursor": "-1"}, {"status": "<script>"}])
def test_a_patched_address_gets_the_apis_own_refusal(desk: Client, query: dict[str, str]) -> None:
    page = text_of(desk, address(site()), **query)

    assert shown_json(page, "blogs")["status"] == 400
    assert "<script>" not in page.partition('<div class="desk site">')[2]


@pytest.mark.parametrize("blog", ["x", "-1", "9" * 30])
def test_what_is_no_number_names_no_blog(desk: Client, blog: str) -> None:
    assert 'id="blog"' not in text_of(desk, address(site()), blog=blog)


def test_a_long_list_is_shown_in_parts_and_by_status(desk: Client) -> None:
    shop = site(credits=10_000)
    first = failed_generation(shop)
    for _ in range(50):
        pending_generation(shop)

    page = text_of(desk, address(shop))
    older = re.search(r'href="\?(cursor=[^"]+)">Older ones', page)
    assert older

    parts = text_of(desk, f"{address(shop)}?{older[1]}")
    assert [each["id"] for each in shown_json(parts, "blogs")["results"]] == [first.pk]
    assert "Newer ones" in parts
    failed = shown_json(text_of(desk, address(shop), status="FAILED"), "blogs")["results"]
    assert [each["id"] for each in failed] == [first.pk]


def test_a_look_is_not_counted_among_the_shops_requests(desk: Client, settings: Any, api: Any) -> None:
    shop = site()
    settings.SITE_REQUESTS_PER_MINUTE = 1

    for _ in range(2):
        assert shown_json(text_of(desk, address(shop)), "credits")["balance"] == 1_000

    assert [api(shop).get("/api/credits").status_code for _ in range(2)] == [200, 429]


def test_it_takes_few_queries(desk: Client) -> None:
    shop = site(credits=10_000)
    for _ in range(20):
        blog = pending_generation(shop)

    for query in ({}, {"blog": blog.pk}):
        with CaptureQueriesContext(connection) as queries:
            text_of(desk, address(shop), **query)

        assert len(queries) <= 15, "\n".join(each["sql"][:170].replace("\n", " ") for each in queries)


def test_what_a_shop_wrote_stays_text(desk: Client) -> None:
    blog = pending_generation()
    BlogGeneration.objects.filter(pk=blog.pk).update(source_id="<script>alert(1)</script>")

    assert "<script>alert(1)" not in text_of(desk, address(blog.site), blog=blog.pk)
