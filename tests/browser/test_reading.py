"""Stories of reading: an ill-meant article, a service at rest or without workers, a shop with many blogs, a mistyped address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blogs.models import Stage
from tests.browser.browsing import Person
from tests.support import factories
from tests.support.blogs.desk_rows import thousands_of_blogs, written_generation

BLOGS = "/admin/blogs/bloggeneration/"
_SCRIPT = "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">"


def test_an_article_with_script_tags_is_only_text(hire: Callable[..., Person]) -> None:
    blog = written_generation(text=_SCRIPT, product_name=_SCRIPT)
    vera = hire("Support")

    vera.opens(f"{BLOGS}{blog.pk}/change/")

    vera.sees("<script>document.title = 'taken over'</script>", within="main")
    assert "taken over" not in vera.page.title()


def test_an_empty_system_says_so(hire: Callable[..., Person]) -> None:
    vera = hire("Viewer")

    vera.opens("/admin/")
    vera.sees("processing", "alive")
    for name in ("Blogs", "Batches", "Sites", "Credits", "Workers", "Limits", "Breakers", "Webhooks"):
        vera.clicks(name, within="#pages")
        vera.sees(name, within="#pages [aria-current=page]")


def test_no_worker_is_alive_and_blogs_wait(hire: Callable[..., Person]) -> None:
    blog = factories.pending_generation()
    vera = hire("Support")

    vera.opens("/admin/")
    vera.sees("blogs wait, no worker is alive")
    vera.opens(f"{BLOGS}{blog.pk}/change/")
    vera.sees("no worker is alive: tell an operator")


def test_a_shop_with_many_blogs_is_counted_no_further_than_one_turns_pages(hire: Callable[..., Person]) -> None:
    shop = factories.site(name="Great Warehouse")
    thousands_of_blogs(shop, 12_000)
    vera = hire("Support")

    vera.opens(f"/admin/wix/site/{shop.pk}/change/")
    vera.sees("Great Warehouse")
    vera.opens(f"{BLOGS}?site__id__exact={shop.pk}")

    vera.sees("10,000+", "Great Warehouse")


@pytest.mark.parametrize(
    "query", ["?status__exact=%00", "?nonsense=1", "?p=x", "?q=%00", "?id__gt=9999999999999999999999", "?where=moon"]
)
def test_a_patched_address_is_answered_with_a_page(hire: Callable[..., Person], query: str) -> None:
    vera = hire("Support")
    vera.expects("400")

    vera.opens(BLOGS + query)

    assert vera.page.title()
    vera.sees("Blog generation", within="#header")
    assert "500" not in vera.text("body")


def test_a_page_that_is_not_there_leads_on(hire: Callable[..., Person]) -> None:
    vera = hire("Support")
    vera.expects("404")

    vera.opens("/admin/nothing/")
    vera.sees("There is no such page")
    vera.clicks("To the front page")

    vera.sees("Front page", within="#pages [aria-current=page]")


def test_a_cover_is_shown_as_wix_serves_it(hire: Callable[..., Person]) -> None:
    blog = written_generation()
    blog.outputs.create(stage=Stage.MEDIA, output={"file_id": "cover_1~mv2.png", "alt_text": "Two mugs on a table"})
    vera = hire("Viewer")

    vera.opens(f"{BLOGS}{blog.pk}/change/")

    vera.page.locator("img.cover").scroll_into_view_if_needed()
    vera.page.wait_for_function("document.querySelector('img.cover').naturalWidth > 0", timeout=10_000)
