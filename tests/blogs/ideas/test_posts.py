"""A site's posts at Wix are read into its bank."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from blogs.ideas import bank, posts
from blogs.models import PostReading, Topic
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from wix.client import http
from wix.models import Site


def at_wix(site: Site, path: str, operation: str, method: str = "POST", **body: Any) -> dict[str, Any]:
    return http.request(str(site.instance_id), method, path, operation=operation, seconds=5, body=body or None)


def post(site: Site, title: str, *, publish: bool = False) -> str:
    made = at_wix(site, "/blog/v3/draft-posts", "draft_create", draftPost={"title": title, "memberId": _member(site)})
    post_id = str(made["draftPost"]["id"])
    if publish:
        at_wix(site, f"/blog/v3/draft-posts/{post_id}/publish", "draft_publish")
    return post_id


def _member(site: Site) -> str:
    site.refresh_from_db()
    assert site.member_id
    return str(site.member_id)


def test_posts_are_read_while_a_site_has_blogs_and_once_a_day(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)
    attempt()
    mine = post(shop, "Felt slippers for cold floors", publish=True)
    gone = post(shop, "Cast iron pans")
    assert posts.read_due() == 0  # nothing waits or runs
    factories.pending_generation(shop, source_id="clay pots")

    assert (posts.read_due(), posts.read_due()) == (1, 0)

    known = Topic.objects.filter(kind="post").order_by("text")
    assert {topic.text: topic.published for topic in known}["Felt slippers for cold floors"]
    assert PostReading.objects.get().posts == 3
    assert bank.near(shop.pk, "Slippers of felt for cold floors", "en")[0].post_id == mine

    at_wix(shop, f"/blog/v3/draft-posts/{gone}", "draft_delete", "DELETE")
    PostReading.objects.update(read_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert posts.read_due() == 1
    assert not Topic.objects.filter(text="Cast iron pans").exists()


def test_published_posts_near_a_title_fit_it_and_those_that_tell_the_same_do_not(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    factories.pending_generation(shop)
    attempt()
    for title in ("Washing wool by hand", "Storing wool in summer", "How to choose a wool scarf", "Brass hooks"):
        post(shop, title, publish=True)
    post(shop, "Mending wool without a trace")
    factories.pending_generation(shop, source_id="clay pots")
    posts.read_due()

    fitting = posts.fitting_posts(shop.pk, "Choose a wool scarf", "en", 3)

    assert {each.title for each in fitting} == {"Washing wool by hand", "Storing wool in summer"}
    assert all(each.url.startswith("https://") for each in fitting)


def test_a_reading_that_fails_is_tried_again_later(sandbox: Sandbox, shop: Site) -> None:
    factories.pending_generation(shop)
    sandbox.fault("wix", "500", "draft_query")

    assert (posts.read_due(), posts.read_due()) == (1, 0)

    PostReading.objects.update(reading_until=datetime(2020, 1, 1, tzinfo=UTC))
    assert posts.read_due() == 1
    assert PostReading.objects.get().read_at is not None
