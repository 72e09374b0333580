"""*What does Wix hold now?*: same, edited, deleted or published, and since when; asked on a click, answered by a worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs.models import PostOrder
from blogs.post_orders import asking
from tests.sandbox import Sandbox
from tests.support.blogs.books import row
from tests.support.blogs.orders import Shop, ask_to_look, finished, last_order, work
from tests.support.blogs.pipeline import warnings
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


def looked(blog: Any) -> dict[str, Any]:
    ask_to_look(blog)
    work()
    held = last_order(blog).held
    assert held
    return dict(held)


def test_an_untouched_draft_is_the_same(shop: Site) -> None:
    held = looked(finished(shop))

    assert (held["state"], held["content"], held["kept"]) == ("draft", "same", 1.0)
    assert held["draft_url"].startswith("https://")
    assert held["post_url"] == ""


def test_an_edited_one_says_how_much_is_left(shop: Site) -> None:
    blog = finished(shop)
    text = Shop(blog).text()
    Shop(blog).edit(richContent={**text, "nodes": text["nodes"][:-1]})

    held = looked(blog)

    assert (held["state"], held["content"]) == ("draft", "edited")
    assert 0.5 < held["kept"] < 1
    assert held["edited_at"]


def test_another_title_alone_is_an_edit(shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).edit(title="Something else")

    assert looked(blog)["content"] == "edited"


def test_a_deleted_one_is_deleted(shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).delete()

    assert looked(blog)["state"] == "deleted"


def test_a_published_one_says_since_when_and_where(shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).publish()

    held = looked(blog)

    assert (held["state"], held["content"]) == ("published", "same")
    assert held["published_at"]
    assert row(blog).post_url == held["post_url"] != ""


def test_a_scheduled_one_says_for_when(shop: Site) -> None:
    at = timezone.now() + timedelta(days=2)

    held = looked(finished(shop, publish=True, publish_at=at))

    assert (held["state"], held["published_at"][:16]) == ("scheduled", at.isoformat()[:16])


def test_a_look_that_fails_says_so_at_once_and_warns_of_nothing(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    sandbox.fault("wix", "500", "draft_get", times=None)
    ask_to_look(blog)

    for _ in range(5):
        work()

    order = last_order(blog)
    assert (order.code, order.held, warnings(blog)) == ("wix_unavailable", None, [])


def test_looks_of_one_blog_are_one_and_a_colleague_has_so_many_a_minute(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LOOKS_A_MINUTE", 2)
    blog = finished(shop)

    ask_to_look(blog)
    ask_to_look(blog)
    assert PostOrder.objects.count() == 1
    work()
    ask_to_look(blog)

    assert not asking.look(blog, name="ada")
    assert asking.look(blog, name="bob")
