"""Stories of other ways to use the desk: by keys alone, and on a phone."""

from __future__ import annotations

from collections.abc import Callable

from blogs.models import Status
from tests.browser.browsing import PHONE, Person
from tests.support import factories

BLOGS = "/admin/blogs/bloggeneration/"


def test_a_ticket_is_answered_by_keys_alone(hire: Callable[..., Person]) -> None:
    blog = factories.failed_generation()
    vera = hire("Support")
    vera.opens("/admin/")

    vera.presses("/")
    vera.types(str(blog.pk))
    vera.presses("Enter")
    vera.sees("OpenAI declined the topic")
    assert vera.tabs_to("Retry from the step that failed")
    vera.presses("Enter")
    vera.sees("1 blog", within="dialog")
    vera.types("ticket 7")
    vera.presses("Enter")

    vera.sees("Retried: 1.")
    blog.refresh_from_db()
    assert blog.status == Status.PENDING


def test_the_first_tab_leads_past_the_navigation(hire: Callable[..., Person]) -> None:
    vera = hire("Support")
    vera.opens(BLOGS)

    vera.presses("Tab")
    vera.sees("Skip to main content")
    vera.presses("Enter")

    assert vera.page.evaluate("document.activeElement.id") == "content-start"


def test_a_blog_is_found_and_retried_on_a_phone(hire: Callable[..., Person]) -> None:
    blog = factories.failed_generation()
    vera = hire("Support", width=PHONE, has_touch=True)
    vera.opens("/admin/")

    vera.clicks("Pages", "button")
    vera.clicks("Blogs", within="#pages")
    card = vera.page.locator("#result_list tbody tr").first
    assert "content_refused" in card.inner_text()
    assert vera.page.locator("#result_list thead").bounding_box()["width"] <= 1
    card.get_by_role("link").first.click()
    vera.clicks("Retry from the step that failed", "button")
    vera.fills("Reason:", "ticket 7", within="dialog")
    vera.clicks("Retry from the step that failed: 1 blog", "button", within="dialog")

    vera.sees("Retried: 1.")
    assert vera.too_wide() == []
    blog.refresh_from_db()
    assert blog.status == Status.PENDING


def test_the_sidebar_stays_closed_on_the_next_page(hire: Callable[..., Person]) -> None:
    vera = hire("Support")
    vera.opens("/admin/")
    vera.sees("Batches", within="#pages")

    vera.clicks("Pages", "button")
    vera.opens(BLOGS)

    assert not vera.page.locator("#pages").is_visible()
    assert vera.page.locator("#pages-toggle").get_attribute("aria-expanded") == "false"
