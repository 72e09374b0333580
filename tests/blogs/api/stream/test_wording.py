"""A stream tells of a blog what a webhook tells, by the same names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blogs.api.stream import stored, wording
from blogs.models import BlogGeneration, Status, WebhookEndpoint, WebhookMessage
from blogs.outgoing import outbox
from blogs.queue import lifecycle
from tests.docs.pages import code, rows
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import attempt_one
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)

_OF_BLOGS = {name for name in outbox.TYPES if name.startswith("blog.")}


def test_each_message_about_a_blog_has_an_event_of_the_same_name() -> None:
    assert wording.NAMES >= _OF_BLOGS


def test_the_page_for_integrators_names_each_event() -> None:
    documented = {name for row in rows("docs/api.md", "Live events") for name in code(row[0])}

    assert documented == {*wording.NAMES, wording.OPENED, wording.RESET, wording.CLOSED}


def _told_by_both(shop: Site, run: Callable[[], BlogGeneration]) -> tuple[BlogGeneration, set[str], set[str]]:
    """Return a blog, and which of the names that both have were told of it: by messages, and by events."""
    endpoint = WebhookEndpoint.objects.create(
        site=shop, url="https://x.example/", events=list(outbox.TYPES), sealed_secret="s"
    )
    blog = run()
    messages = set(WebhookMessage.objects.filter(endpoint=endpoint).values_list("type", flat=True))
    page = stored.missed(site=shop.pk, blog=blog.pk, after=0, upto=stored.highest())
    events = {line.removeprefix("event: ") for event in page for line in wording.told(event).decode().splitlines()}
    return blog, messages & _OF_BLOGS, events & _OF_BLOGS


def _written(shop: Site, **more: object) -> BlogGeneration:
    blog = factories.pending_generation(shop, **more)
    for _ in range(5):
        blog = attempt_one()
        if blog.is_finished:
            break
    return blog


def _cases() -> dict[str, tuple[dict[str, object], list[tuple[str, str, str]], set[str]]]:
    """Give what is asked for, what goes wrong, and what is to be told besides the blog's beginning and end."""
    defect = ("openai", "defect:invented_price", "article")
    return {
        "a draft": ({}, [], set()),
        "published": ({"publish": True}, [], {outbox.BLOG_PUBLISHED}),
        "not published": ({"publish": True}, [("wix", "not_found", "draft_publish")], {outbox.BLOG_PUBLISH_FAILED}),
        "held": ({"publish": True}, [defect, ("openai", "changes_nothing", "repair")], {outbox.BLOG_NEEDS_REVIEW}),
    }


@pytest.mark.parametrize("case", _cases())
def test_what_becomes_of_a_blog_is_told_alike(case: str, sandbox: Sandbox, shop: Site) -> None:
    asked, faults, besides = _cases()[case]
    for provider, kind, operation in faults:
        sandbox.fault(provider, kind, operation, times=None)

    blog, messages, events = _told_by_both(shop, lambda: _written(shop, **asked))

    assert blog.status == Status.DONE
    assert messages >= {outbox.BLOG_COMPLETED, *besides}
    assert messages == events


def test_failures_cancels_and_retries_are_told_alike(sandbox: Sandbox, shop: Site) -> None:
    def failed_and_cancelled() -> BlogGeneration:
        sandbox.fault("openai", "refusal", times=None)
        blog = _written(shop)
        lifecycle.requeue(blog.pk, by="test")
        return lifecycle.cancel(blog.pk, by="test")

    _, messages, events = _told_by_both(shop, failed_and_cancelled)

    assert messages >= {outbox.BLOG_FAILED, outbox.BLOG_CANCELLED, outbox.BLOG_QUEUED}
    assert messages == events
