"""*Publish again*: the publish step alone, by a worker, once in effect however many click, and the blog stays DONE."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from blogs.batches.moves import Skipped
from blogs.models import BlogGeneration, GenerationEvent, PostOrder, StageOutput, Status
from blogs.operations import proof
from blogs.queue import pruning
from credits.models import Credit
from tests.sandbox import Sandbox
from tests.support.blogs.books import row
from tests.support.blogs.orders import Shop, finished, last_order, move, work
from tests.support.blogs.pipeline import warnings
from tests.support.factories import done_generation, failed_generation
from tests.support.threads import PATIENCE_SECONDS, at_once, in_background
from wix.models import Site
from workers.models import BreakerFailure

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_blog_whose_publishing_failed_is_published(sandbox: Sandbox, shop: Site) -> None:
    sandbox.fault("wix", "not_found", "draft_publish")
    blog = finished(shop, publish=True)
    assert (blog.status, blog.post_url) == (Status.DONE, "")
    entries = Credit.objects.count()

    assert move("publish_again", blog) == "asked a worker to publish it again"
    assert row(blog).status == Status.DONE  # as it is all the while
    work()

    after = row(blog)
    assert (after.status, after.post_url != "") == (Status.DONE, True)
    (draft,) = sandbox.drafts()
    assert draft["status"] == "PUBLISHED"
    assert StageOutput.objects.get(generation=blog, stage="publish").output["post_url"] == after.post_url
    ordered, published = blog.events.order_by("-id")[:2][::-1]
    assert (ordered.kind, ordered.by, ordered.message) == ("ordered", "staff:ada", "publish again: ticket 7")
    assert (published.kind, after.post_url in published.message) == ("published", True)
    assert Credit.objects.count() == entries
    assert proof.discrepancies() == []


def test_many_clicks_are_one(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)

    def click() -> str:
        try:
            return move("publish_again", blog)
        except Skipped as because:
            return str(because)

    said = at_once(*[click] * 5)

    assert sorted(said)[:1] == ["asked a worker to publish it again"]
    assert said.count("publish again is asked for already, and under way") == 4
    at_once(*[work] * 3)
    assert len(sandbox.requests("wix", "draft_publish")) == 1
    assert blog.events.filter(kind=GenerationEvent.Kind.ORDERED).count() == 1


def test_what_is_published_already_is_left_as_it_is(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).publish()
    sent = len(sandbox.requests("wix", "draft_publish"))

    move("publish_again", blog)
    work()

    assert len(sandbox.requests("wix", "draft_publish")) == sent
    assert last_order(blog).result == "It was published already; nothing was sent."
    assert row(blog).post_url


def test_a_post_that_its_shop_took_back_is_published_again(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop, publish=True)
    Shop(blog).unpublish()

    move("publish_again", blog)
    work()

    assert sandbox.drafts()[0]["status"] == "PUBLISHED"


def test_the_shops_own_time_is_kept(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop, publish=True, publish_at=timezone.now() + timedelta(days=2))
    Shop(blog).edit(title="x")
    BlogGeneration.objects.filter(pk=blog.pk).update(publish_at=timezone.now() + timedelta(days=3))

    move("publish_again", blog)
    work()

    (draft,) = sandbox.drafts()
    assert (draft["status"], draft["scheduledPublishDate"][:10]) == (
        "SCHEDULED",
        f"{timezone.now() + timedelta(days=3):%Y-%m-%d}",
    )


def test_a_draft_that_is_gone_is_a_warning_and_can_be_asked_for_again(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    Shop(blog).delete()

    move("publish_again", blog)
    work()

    assert (last_order(blog).code, warnings(blog)[-1]) == ("draft_gone", "draft_gone")
    assert row(blog).status == Status.DONE
    assert move("publish_again", blog)


def test_an_outage_of_wix_costs_no_order_its_end(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    sandbox.fault("wix", "500", "draft_publish", times=2)
    move("publish_again", blog)

    work()
    assert last_order(blog).ended_at is None
    work(2)

    assert row(blog).post_url
    assert warnings(blog) == []


def test_five_failures_end_it_with_a_warning(sandbox: Sandbox, shop: Site) -> None:
    blog = finished(shop)
    sandbox.fault("wix", "500", "draft_get", times=None)
    move("publish_again", blog)

    work()
    assert last_order(blog).attempts == 0  # it may be Wix's fault
    BreakerFailure.objects.update(own=True)  # calls of others got through
    work(5)

    order = last_order(blog)
    assert (order.ended_at is not None, order.code, warnings(blog)) == (True, "wix_unavailable", ["wix_unavailable"])


def test_only_done_blogs_of_connected_shops_have_a_post(shop: Site) -> None:
    with pytest.raises(Skipped, match="it is FAILED"):
        move("publish_again", failed_generation(shop))
    blog = finished(shop)
    Site.objects.filter(pk=shop.pk).update(removed_at=timezone.now())
    with pytest.raises(Skipped, match="removed the app"):
        move("publish_again", blog)
    assert not PostOrder.objects.exists()


@pytest.mark.parametrize("action", ["publish_again", "draft_again"])
def test_a_shop_that_leaves_before_its_order_is_carried_out_ends_it_at_once(
    sandbox: Sandbox, shop: Site, action: str
) -> None:
    """Without access to Wix it would be tried each minute for a day, and so would thousands of the same shop."""
    blog = finished(shop)
    move(action, blog)
    Site.objects.filter(pk=shop.pk).update(removed_at=timezone.now())
    asked = len(sandbox.requests("wix"))

    work()

    order = last_order(blog)
    assert (order.ended_at is not None, order.code) == (True, "wix_not_connected")
    assert len(sandbox.requests("wix")) == asked


def test_asking_waits_for_none_who_writes_the_blog_and_keeps_the_blog_from_removal(shop: Site) -> None:
    blog = done_generation(shop)
    BlogGeneration.objects.filter(pk=blog.pk).update(finished_at=timezone.now() - timedelta(days=31))
    written, over = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            BlogGeneration.objects.filter(pk=blog.pk).update(post_url="https://shop.example/post")
            written.set()
            assert over.wait(PATIENCE_SECONDS)

    writer = in_background(write)
    assert written.wait(PATIENCE_SECONDS)

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
        move("publish_again", blog)
        over.set()
        writer.join()
        pruned = in_background(lambda: list(pruning.prune(timedelta(days=30), batch_size=10)))
        pruned.join()

    assert PostOrder.objects.get().generation_id == blog.pk
