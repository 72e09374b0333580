"""Stories of the front page: it follows what happens, rests when told to, and leads from a failure to its remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blogs.models import BlogGeneration, Status
from tests.browser.browsing import Person
from tests.support import factories
from tests.support.blogs.worker_process import Worker
from wix.models import Site

_READY = "[data-key=ready]"


def test_it_follows_what_happens_and_rests_when_told_to(hire: Callable[..., Person]) -> None:
    shop = factories.site()
    vera = hire("Viewer")
    vera.opens("/admin/")
    vera.sees("live", within="#live-says")
    vera.sees("0", within=_READY)

    factories.pending_generation(shop)
    vera.sees("1", within=_READY, seconds=15)
    vera.clicks("Pause updates", "button")
    vera.sees("Paused.", within="#live-says")
    factories.pending_generation(shop)
    vera.clicks("Go on", "button")

    vera.sees("2", within=_READY, seconds=15)


def test_a_real_worker_writes_a_blog_while_one_watches(
    hire: Callable[..., Person], worker: Callable[..., Worker], shop: Site
) -> None:
    blog = factories.pending_generation(shop)
    vera = hire("Viewer")
    vera.opens("/admin/")
    vera.sees("1", within=_READY)

    worker()

    vera.sees("1", within="[data-key=done]", seconds=30)
    vera.sees("works", within="[data-part=workers]", seconds=15)
    vera.opens(f"/admin/blogs/bloggeneration/{blog.pk}/change/")
    vera.sees("the draft is at Wix", "It has cost 25 credits.")


def test_all_failures_of_the_hour_are_retried_from_it(hire: Callable[..., Person]) -> None:
    for _ in range(3):
        factories.failed_generation(code="timeout")
    other = factories.failed_generation(code="content_refused")
    vera = hire("Support")
    vera.opens("/admin/")

    vera.clicks("Retry all that failed with timeout", "button")
    vera.sees("3 blogs of 3 shops", within="dialog")
    vera.types("OpenAI is back")
    vera.presses("Enter")

    vera.sees("Retried: 3.")
    assert list(BlogGeneration.objects.filter(status=Status.FAILED)) == [other]


def test_a_line_is_paused_with_a_reason_that_the_front_page_shows(hire: Callable[..., Person]) -> None:
    shop = factories.site(name="Harbour Coffee")
    factories.pending_generation(shop)
    otto = hire("Operator", "otto")
    otto.opens("/admin/")

    otto.clicks("Pause the line of Harbour Coffee", "button")
    otto.sees("1 shop", within="dialog")
    otto.types("their owner asked for it")
    otto.presses("Enter")

    otto.sees("Paused 1")
    otto.clicks("Front page", within="#pages")
    otto.sees("Harbour Coffee", "otto", "their owner asked for it", within="[data-part=paused]")
    otto.sees("1", within="[data-key=paused]")


@pytest.mark.parametrize("role", ["Viewer", "Support", "Billing"])
def test_who_may_not_pause_sees_no_button_for_it(hire: Callable[..., Person], role: str) -> None:
    factories.pending_generation()
    person = hire(role)

    person.opens("/admin/")

    person.sees("Where the unfinished blogs stand")
    assert "Pause all lines" not in person.text()
    person.sees_no_button("Pause the line")


def test_a_provider_is_paused_and_says_by_whom(hire: Callable[..., Person]) -> None:
    otto = hire("Operator", "otto")
    otto.opens("/admin/")

    otto.clicks("Pause replicate", exact=True)
    otto.sees("Reason", within="dialog")
    otto.types("their status page says so")
    otto.presses("Enter")
    otto.clicks("Front page", within="#pages")

    otto.sees("otto", "their status page says so", within="[data-part=providers]")
