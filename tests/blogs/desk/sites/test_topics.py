"""A shop's ideas and topics on the desk, in lists that say what became of each, and what was near a blog's own."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from blogs.ideas import bank, listing
from blogs.ideas.bank import New
from blogs.models import BlogGeneration, IdeaOrder, PostReading, Topic
from blogs.queue import lifecycle
from tests.support.blogs.desk_pages import blog_page, site_page, text_of
from tests.support.factories import done_generation, failed_generation, pending_generation, processing_generation, site
from tests.support.query_plans import indexes, plans_of, read_whole
from wix.models import Site

pytestmark = pytest.mark.django_db

Kind = Topic.Kind
SCRIPT = "<script>alert(1)</script>"


def keep(shop: Site, kind: str, text: str, language: str = "en", **more: Any) -> int:
    with transaction.atomic():
        bank.lock(shop.pk)
        made = bank.add(shop.pk, New(kind, text, language, **more))
    assert made
    return made


def idea(shop: Site, text: str) -> int:
    return keep(shop, Kind.IDEA, text, plan={"title": text}, offered=True)


def post(shop: Site, text: str, *, published: bool, url: str = "") -> int:
    return keep(shop, Kind.POST, text, post_id=str(uuid.uuid4()), url=url, published=published)


def address(shop: Site) -> str:
    return reverse("admin:wix_site_topics", args=[shop.pk])


def rows(client: Client, shop: Site, **query: Any) -> list[str]:
    """Return the rows of the list, as a reader sees them."""
    page = text_of(client, address(shop), **query)
    body = page.partition('id="rows"')[2].partition("</section>")[0].partition("<tbody>")[2]
    found = [html.unescape(re.sub("<[^>]+>", " ", row)) for row in body.split("</tr>") if "<td" in row]
    return [" ".join(row.split()) for row in found]


def test_ideas_are_listed_unused_and_used_with_their_blog(desk: Client) -> None:
    shop = site()
    used = idea(shop, "Felt for cold floors")
    idea(shop, "Wool against rain")
    blog = pending_generation(shop)
    Topic.objects.filter(pk=used).update(kind=Kind.TITLE, generation_id=blog.pk)
    asked = timezone.now().strftime("%Y-%m-%d")

    assert [row.partition(f" {asked}")[0] for row in rows(desk, shop)] == ["Wool against rain not used en"]
    [row] = rows(desk, shop, show="used")
    assert row.startswith("Felt for cold floors pending en")
    assert row.endswith(f"#{blog.pk}")


def test_topics_say_what_became_of_their_blogs(desk: Client) -> None:
    shop = site()
    makes = (failed_generation, done_generation, done_generation, processing_generation, pending_generation)
    failed, published, draft, running, queued = (make(shop) for make in makes)
    later = pending_generation(shop, scheduled_at=timezone.now() + timedelta(days=1), source_id="soap in summer")
    BlogGeneration.objects.filter(pk=published.pk).update(post_url="https://shop.example/post/wool")
    for blog in (published, draft, running, failed):
        keep(shop, Kind.TITLE, f"Title of {blog.pk}", generation_id=blog.pk)

    written = rows(desk, shop, show="written")
    assert [row.split(" en ")[0] for row in written] == [
        f"Title of {draft.pk} draft",
        f"Title of {published.pk} published",
    ]
    assert [row.split(" en ")[0] for row in rows(desk, shop, show="written", state="published")] == [
        written[1].split(" en ")[0]
    ]
    assert 'href="https://shop.example/post/wool"' in text_of(desk, address(shop), show="written")

    open_ones = " ".join(rows(desk, shop, show="open"))
    assert f"Title of {running.pk} running" in open_ones
    assert "soap in summer scheduled" in open_ones
    assert f"{queued.source_id} queued" in open_ones
    assert [f"#{later.pk}" in row for row in rows(desk, shop, show="open", state="scheduled")] == [True]


def test_posts_at_wix_are_listed_with_their_addresses(desk: Client) -> None:
    shop = site()
    post(shop, "Knitting by hand", published=True, url="https://shop.example/post/knit")
    post(shop, "Not out yet", published=False, url="javascript:alert(1)")
    PostReading.objects.create(site=shop, read_at=timezone.now(), posts=2)

    page = text_of(desk, address(shop), show="posts")

    assert "https://shop.example/post/knit" in page
    assert "javascript:" not in page
    assert [row.split(" en ")[0] for row in rows(desk, shop, show="posts")] == [
        "Not out yet draft",
        "Knitting by hand published",
    ]
    assert len(rows(desk, shop, show="posts", state="draft")) == 1


def test_words_are_found_in_any_case_and_without_their_accents(desk: Client) -> None:
    shop = site()
    for text in ("Wełniane szaliki na zimę", "100% wool", "1000 wools"):
        idea(shop, text)
    idea(site(), "Wool of another shop")

    def found(words: str) -> list[str]:
        return [row.partition(" not used")[0] for row in rows(desk, shop, q=words)]

    assert found("ZIME szaliki") == ["Wełniane szaliki na zimę"]
    assert found("100%") == ["100% wool"]
    assert found("WOOL") == ["1000 wools", "100% wool"]
    assert rows(desk, shop, q="cotton") == ["Nothing has these words and this state."]


def test_a_long_list_is_read_page_by_page(desk: Client) -> None:
    shop = site()
    for number in range(listing.PAGE + 2):
        idea(shop, f"Idea {number}")

    first = text_of(desk, address(shop))
    [older] = re.findall(r'href="(\?show=ideas[^"]*before=\d+)">Older', html.unescape(first))

    assert len(rows(desk, shop)) == listing.PAGE
    second = text_of(desk, address(shop) + older)
    assert "Idea 1<" in second
    assert "Idea 0<" in second
    assert "Older ones" not in second
    assert "The newest" in second


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"show": "drawer"}, "There is no list"),
        ({"state": "lost"}, "Nothing in this list can be “lost”"),
        ({"show": "posts", "state": "running"}, "Nothing in this list can be “running”"),
        ({"before": "9" * 40}, "is no place in this list"),
        ({"before": "-1"}, "is no place in this list"),
        ({"owner": "1"}, "There is no filter “owner"),
    ],
)
def test_a_patched_address_is_told_what_it_can_not_ask(desk: Client, query: dict[str, str], told: str) -> None:
    shop = site()
    idea(shop, "Wool against rain")

    assert told in text_of(desk, address(shop), **query)


@pytest.mark.parametrize("words", ["%", "\\", "'; --", "_", "\ud800".encode("utf-8", "replace").decode(), "a" * 9_000])
def test_odd_words_are_only_words(desk: Client, words: str) -> None:
    assert desk.get(address(site()), {"q": words}).status_code == 200


def test_nothing_of_a_shop_becomes_html(desk: Client) -> None:
    shop = site(name=SCRIPT)
    idea(shop, SCRIPT)
    IdeaOrder.objects.create(site=shop, about=SCRIPT, language="en", length="short")

    page = text_of(desk, address(shop), q="script")

    assert SCRIPT not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_the_last_orders_say_what_came_of_them(desk: Client) -> None:
    shop = site()
    IdeaOrder.objects.create(site=shop, about="wool", language="en", length="short", state="done", due_at=None, found=1)
    IdeaOrder.objects.create(
        site=shop, language="en", length="short", state="failed", due_at=None, error="It took long."
    )
    IdeaOrder.objects.create(site=shop, language="en", length="short")

    page = text_of(desk, address(shop))

    for said in ("1 idea<", "failed: It took long.", "waits for a worker"):
        assert said in page


def test_who_may_not_see_blogs_sees_no_topics(desk_with: Callable[..., Client]) -> None:
    shop = site()
    client = desk_with("wix.view_site")

    assert "Ideas and topics" not in site_page(client, shop.pk)
    answer = client.get(address(shop))
    assert answer.status_code == 403
    assert "blogs.view_bloggeneration" in answer.content.decode()


def many(shop: Site, count: int) -> None:
    """Give a shop ideas, titles with blogs, and posts: as many of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO blog_generations (site_id, status, source_type, source_id, language, tone, length, publish, priority,"
            " ready, stage, attempts, rescues, error_code, error_message, draft_post_id, draft_post_url, created_at, finished_at)"
            " SELECT %(site)s, 'DONE', 'keyword', 'w' || n, '', 'friendly', 'medium', false, 0, false, 'draft', 1, 0, '', '',"
            " gen_random_uuid(), '', now(), now() FROM generate_series(1, %(count)s) n",
            {"site": shop.pk, "count": count},
        )
        cursor.execute(
            "INSERT INTO blogs_topic (site_id, kind, language, text, key, generation_id, plan, offered_at, post_id)"
            " SELECT %(site)s, kind, 'en', kind || ' ' || id, kind || ' ' || id, CASE kind WHEN 'title' THEN id END, '{}',"
            " CASE WHEN kind = 'idea' OR kind = 'title' AND id %% 9 = 0 THEN now() END,"
            " CASE kind WHEN 'post' THEN gen_random_uuid() END"
            " FROM blog_generations, unnest(ARRAY['idea', 'title', 'post']) AS kind WHERE site_id = %(site)s",
            {"site": shop.pk},
        )
        cursor.execute("ANALYZE blogs_topic; ANALYZE blog_generations")


@pytest.mark.parametrize("words", ["", "nothing has these"])
def test_each_list_of_a_large_shop_is_read_by_an_index_in_few_queries(desk: Client, words: str) -> None:
    shop = site()
    many(shop, 1_000)
    many(site(name="Another"), 20_000)
    pending_generation(shop)

    for name in listing.LISTS:
        query = {"show": name, "q": words}
        for sql, plan in plans_of(lambda query=query: desk.get(address(shop), query)):  # type: ignore[misc]
            assert not read_whole(plan) & {"blogs_topic", "blog_generations"}, sql
        [page] = [plan for sql, plan in plans_of(lambda name=name: listing.page(shop.pk, name, words=words))]  # type: ignore[misc]
        assert indexes(page) & {"topic_of_site", "topic_offered", "blog_of_site_by_status", "blog_by_status"}
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(address(shop), query).status_code == 200
        assert len(queries) <= 15


# --- A blog's page ----------------------------------------------------------------------------------------------------


def nearest_of(client: Client, blog: BlogGeneration) -> str:
    part = blog_page(client, blog.pk).partition('id="nearest"')[2].partition("</section>")[0]
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", part)).split())


def test_a_blogs_page_shows_why_its_topic_is_a_duplicate(desk: Client) -> None:
    shop = site()
    first, second = done_generation(shop), done_generation(shop)
    keep(shop, Kind.TITLE, "How to choose a coffee grinder", generation_id=first.pk)
    keep(shop, Kind.TITLE, "Choosing a coffee grinder", generation_id=second.pk)
    keep(shop, Kind.TITLE, "Choosing the coffee grinder", generation_id=done_generation(shop).pk)
    [near] = bank.near(shop.pk, "Choosing a coffee grinder", "en", beside=second.pk, before=second_topic(second))

    said = nearest_of(desk, second)

    assert f"How to choose a coffee grinder {near.likeness:.2f} yes title of #{first.pk}" in said
    assert "Choosing the coffee grinder" not in said  # it came later
    assert "None is like it." in nearest_of(desk, first)


def second_topic(blog: BlogGeneration) -> int:
    return Topic.objects.get(generation_id=blog.pk, kind=Kind.TITLE).pk


def test_without_a_title_it_shows_what_is_near_the_request(desk: Client) -> None:
    shop = site()
    post(shop, "Storing tea for a year", published=True, url="https://shop.example/post/tea")
    blog = failed_generation(shop)
    BlogGeneration.objects.filter(pk=blog.pk).update(source_type="keyword", source_id="storing tea for a year")

    said = nearest_of(desk, blog)

    assert "Like its request" in said
    assert "Storing tea for a year 1.00 yes a post at Wix open it" in said


def test_a_cancelled_blogs_topic_is_near_no_other(desk: Client) -> None:
    shop = site()
    blog, gone = done_generation(shop), pending_generation(shop)
    keep(shop, Kind.TITLE, "Storing tea for a year", generation_id=gone.pk)
    keep(shop, Kind.TITLE, "Storing tea for years", generation_id=blog.pk)
    assert "Storing tea for a year " in nearest_of(desk, blog)

    lifecycle.cancel(gone.pk, by="test")

    assert "None is like it." in nearest_of(desk, blog)
