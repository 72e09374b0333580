"""Stories of staff who act on blogs: asked first, in a dialog; done once; said on the page that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import lifecycle
from tests.browser.browsing import Person
from tests.support import factories

BLOGS = "/admin/blogs/bloggeneration/"


def page_of(blog: BlogGeneration) -> str:
    return f"{BLOGS}{blog.pk}/change/"


def test_a_failed_blog_is_retried_from_its_page_in_a_dialog(hire: Callable[..., Person]) -> None:
    blog = factories.failed_generation()
    vera = hire("Support", "vera")
    vera.opens(page_of(blog))
    vera.sees("OpenAI declined the topic", "Credits are back.")

    vera.clicks("Retry from the step that failed", "button")
    vera.sees(re_blogs(1), within="dialog")
    vera.types("ticket 7")
    vera.presses("Enter")

    vera.sees("Retried: 1.")
    blog.refresh_from_db()
    assert blog.status == Status.PENDING


def test_escape_closes_the_dialog_and_leads_back_to_the_button(hire: Callable[..., Person]) -> None:
    blog = factories.failed_generation()
    vera = hire("Support")
    vera.opens(page_of(blog))

    vera.clicks("Retry from scratch", "button")
    vera.sees(re_blogs(1), within="dialog")
    assert vera.focus() == "Reason:"
    vera.presses("Escape")

    vera.page.locator("dialog").wait_for(state="hidden")
    assert vera.focus() == "Retry from scratch"
    blog.refresh_from_db()
    assert blog.status == Status.FAILED


def test_two_colleagues_act_on_the_same_blog_at_once(hire: Callable[..., Person]) -> None:
    blog = factories.failed_generation()
    vera, otto = hire("Support", "vera"), hire("Operator", "otto")
    for each in (vera, otto):
        each.opens(page_of(blog))
        each.clicks("Retry from the step that failed", "button")
        each.sees(re_blogs(1), within="dialog")

    for each in (vera, otto):
        each.types(f"asked of {each.name}")
        each.presses("Enter")

    vera.sees("Retried: 1.")
    otto.sees("Skipped 1")
    assert blog.events.filter(kind="requeued").count() == 1


def test_a_blog_finishes_between_list_and_click(hire: Callable[..., Person]) -> None:
    blog = factories.processing_generation()
    vera = hire("Support")
    vera.opens(BLOGS)
    vera.ticks(blog.pk)
    draft: dict[str, Any] = {"draft_post_id": str(uuid4()), "draft_post_url": "https://shop.example/post/x"}
    lifecycle.succeed(blog, Stage.DRAFT, draft, **draft)

    vera.chooses("Action:", "Cancel")
    vera.clicks("Go", "button")

    vera.sees("skipped: DONE", within="dialog")
    vera.presses("Escape")
    vera.page.locator("dialog").wait_for(state="hidden")
    blog.refresh_from_db()
    assert blog.status == Status.DONE


def test_a_dialog_has_fields_of_its_own_over_a_page_with_the_same_fields(hire: Callable[..., Person]) -> None:
    shop = factories.pending_generation().site
    ada = hire("Admin")
    ada.opens(f"/admin/wix/site/{shop.pk}/change/")
    assert ada.page.locator("#id_reason").count() == 1

    ada.clicks("Pause the line", "button")
    ada.fills("Reason:", "their owner asked for it", within="dialog")
    ada.clicks("Pause the line", "button", within="dialog")

    ada.sees("Paused 1")


def test_without_script_the_same_page_asks(hire: Callable[..., Person]) -> None:
    blog = factories.failed_generation()
    vera = hire("Support", java_script_enabled=False)
    vera.opens(page_of(blog))

    vera.clicks("Retry from the step that failed", "button")
    vera.sees(re_blogs(1), within="main")
    vera.fills("Reason:", "ticket 7")
    vera.clicks("Retry from the step that failed: 1 blog", "button")

    vera.sees("Retried: 1.")


def re_blogs(count: int) -> str:
    return f"{count} blog{'' if count == 1 else 's'}"
