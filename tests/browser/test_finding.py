"""Stories of finding: by each thing that a ticket may name, by filters that are left out again, and taken along as a file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from uuid import uuid4

import pytest

from blogs.models import AuditEntry, BlogGeneration
from tests.browser.browsing import Person
from tests.support import factories
from workers.models import ProviderCall

BLOGS = "/admin/blogs/bloggeneration/"


@pytest.fixture
def post(web: str) -> BlogGeneration:
    """A blog of Harbour Coffee that has all that one can be found by."""
    shop = factories.site(name="Harbour Coffee", url="https://www.harbour.example")
    blog = factories.done_generation(shop, source_id="merino socks")
    address = "https://www.harbour.example/post/merino-socks-guide"
    BlogGeneration.objects.filter(pk=blog.pk).update(draft_post_slug="merino-socks-guide", post_url=address)
    ProviderCall.objects.create(
        provider="openai", operation="article", work=blog.pk, site=shop.pk, seconds=1, outcome="ok",
        request_id="req_8f2c", tokens_reserved=1, prompt_bytes=1, output_max=1, truncated=False, images=0,
    )  # fmt: skip
    factories.pending_generation(source_id="zebra stripes")
    return BlogGeneration.objects.get(pk=blog.pk)


def test_the_search_finds_a_blog_by_each_thing_that_a_ticket_names(
    hire: Callable[..., Person], post: BlogGeneration
) -> None:
    vera = hire("Support")
    vera.opens("/admin/wix/webhookdelivery/")
    named = (f"#{post.pk}", str(post.draft_post_id), post.post_url, "merino-socks-guide", "req_8f2c")
    for text in (*named, "socks merino", "harbour merino"):
        vera.presses("/")
        vera.page.keyboard.press("Control+A")
        vera.types(text)
        vera.presses("Enter")
        if text in ("socks merino", "harbour merino"):
            vera.sees("merino socks", within='[aria-label="Blogs that were found"]')
            vera.sees_no("zebra", within="main")
        else:
            vera.sees(f"Blog {post.pk}", within="h1")


def test_the_search_finds_a_shop_by_instance_domain_and_name(hire: Callable[..., Person], post: BlogGeneration) -> None:
    vera = hire("Support")
    vera.opens("/admin/")
    for text in (str(post.site.instance_id), "harbour.example", "Harbour Coffee"):
        vera.presses("/")
        vera.page.keyboard.press("Control+A")
        vera.types(text)
        with vera.page.expect_navigation():  # the page before it shows the shop too
            vera.presses("Enter")
        vera.sees("Harbour Coffee", within="main")

    vera.presses("/")
    vera.page.keyboard.press("Control+A")
    vera.types("Harb")
    vera.sees("Harbour Coffee", within="#desk-suggestions")
    vera.presses("ArrowDown")
    vera.presses("Enter")

    vera.sees("Harbour Coffee", within="h1")


def test_what_is_not_there_is_said_to_be_not_there(hire: Callable[..., Person], post: BlogGeneration) -> None:
    vera = hire("Support")
    vera.opens("/admin/")
    for text in ("purple elephants", "#99999999", str(uuid4()), "<script>alert(1)</script>", "%", "'"):
        vera.presses("/")
        vera.page.keyboard.press("Control+A")
        vera.types(text)
        vera.presses("Enter")
        vera.page.wait_for_url("**/search/**")
        vera.sees_no("zebra", within="main")


def test_a_filter_is_left_out_by_its_chip(hire: Callable[..., Person]) -> None:
    failed, other = factories.failed_generation(code="timeout"), factories.failed_generation(code="content_refused")
    vera = hire("Support")
    vera.opens(BLOGS)

    vera.clicks("Failed", within="#changelist-filter")
    vera.clicks("timeout", within="#changelist-filter")
    vera.sees("1 result")
    assert vera.page.locator("#result_list tbody tr").count() == 1
    vera.page.locator("a.chip", has_text="timeout").click()

    vera.sees("2 results", str(failed.pk), str(other.pk))
    assert vera.page.locator("a.chip").count() == 1


def test_what_a_filter_chooses_is_taken_along_as_csv(hire: Callable[..., Person]) -> None:
    failed = factories.failed_generation(code="timeout")
    factories.done_generation()
    vera = hire("Support", "vera")
    vera.opens(f"{BLOGS}?status__exact=FAILED")

    with vera.page.expect_download() as download:
        vera.clicks("CSV")
    with open(download.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["id"] for row in rows] == [str(failed.pk)]
    assert AuditEntry.objects.filter(action="export", by="vera").exists()
