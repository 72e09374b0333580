"""Which messages the moves store, in their own transaction, and that a site without endpoints writes nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from blogs import queue
from blogs.models import BlogGeneration, Stage, WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, keeping, outbox
from blogs.queue import lifecycle
from credits import ledger
from tests.support import factories
from tests.support.query_plans import indexes, plan_of, read_whole
from tests.support.webhook_rows import endpoint, told
from wix.models import Plan, Site, Subscription
from workers.errors import PermanentError, TransientError

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Site:
    shop = factories.site()
    endpoint(shop)
    return shop


def test_a_blogs_way_is_told_once_each(shop: Site) -> None:
    factories.done_generation(shop)

    assert told(shop) == [("blog.queued", ""), ("blog.started", ""), ("blog.completed", "")]
    assert set(WebhookMessage.objects.values_list("generation_id", flat=True)) == {BlogGeneration.objects.get().pk}


def test_only_the_first_start_is_told(shop: Site) -> None:
    blog = factories.processing_generation(shop)
    queue.hand_back([blog])
    (again,) = queue.claim(factories.WorkerFactory.create(), 1)

    assert again.pk == blog.pk
    assert [name for name, _ in told(shop)] == ["blog.queued", "blog.started"]


def test_a_failure_is_told_with_its_code_and_a_retry_as_a_new_place_in_line(shop: Site) -> None:
    blog = factories.failed_generation(shop, code="content_refused")
    lifecycle.requeue(blog.pk, by="shop")

    assert told(shop)[2:] == [("blog.failed", "content_refused"), ("blog.queued", "")]


def test_a_cancelled_blog(shop: Site) -> None:
    lifecycle.cancel(factories.pending_generation(shop).pk, by="shop")

    assert told(shop)[1:] == [("blog.cancelled", "")]


@pytest.mark.parametrize(
    ("output", "warnings", "expected"),
    [
        (
            {"post_id": "p", "post_url": "https://shop.example/post"},
            [],
            [("blog.completed", ""), ("blog.published", "")],
        ),
        ({"post_id": "p"}, [TransientError("not_read_back", "?")], [("blog.completed", ""), ("blog.published", "")]),
        ({}, [PermanentError("wix_refused", "No.")], [("blog.completed", ""), ("blog.publish_failed", "wix_refused")]),
        ({"scheduled_for": "2027-01-01T00:00:00Z"}, [], [("blog.completed", "")]),
    ],
)
def test_publishing(shop: Site, output: dict[str, Any], warnings: list[Any], expected: list[Any]) -> None:
    blog = factories.processing_generation(shop, publish=True)
    lifecycle.checkpoint(blog, Stage.DRAFT, {}, next_stage=Stage.PUBLISH, draft_post_id=str(uuid.uuid4()))
    lifecycle.succeed(blog, Stage.PUBLISH, output, warnings=warnings)

    assert told(shop)[2:] == expected


def test_a_move_that_is_rolled_back_tells_nothing(shop: Site) -> None:
    blog = factories.pending_generation(shop)
    with transaction.atomic():
        lifecycle.cancel(blog.pk, by="shop")
        transaction.set_rollback(True)

    assert told(shop) == [("blog.queued", "")]


def test_each_endpoint_is_told_what_it_asked_for_and_one_that_is_off_nothing() -> None:
    shop, other = factories.site(), factories.site()
    endpoint(shop, events=["blog.queued", "blog.completed"])
    endpoint(shop, events=["blog.completed"])
    endpoints.switch_off(endpoint(shop).endpoint, WebhookEndpoint.Off.SHOP)
    endpoint(other)

    factories.done_generation(shop)

    assert [name for name, _ in told(shop)] == ["blog.queued", "blog.completed", "blog.completed"]
    assert told(other) == []


def test_low_credits_are_told_once_each_time_they_come_to_be_low() -> None:
    shop, rich = factories.site(credits=100), factories.site(credits=100)
    endpoint(shop, events=["credits.low"])
    endpoint(rich, events=["credits.low"])

    def low_after(blogs: int) -> int:
        for _ in range(blogs):
            factories.pending_generation(shop)
        keeping.tell_of_low_credits()
        keeping.tell_of_low_credits()
        return len(told(shop))

    assert [low_after(3), low_after(1)] == [0, 1]  # 25 left pay for one more blog, 0 for none
    with transaction.atomic():
        ledger.grant(ledger.lock(shop.pk), 50, reason="more")
    assert [low_after(0), low_after(2)] == [1, 2]
    assert told(rich) == []


def test_low_is_a_share_of_the_plans_month() -> None:
    shop = factories.site(credits=100)
    plan = Plan.objects.create(vendor_product_id="pro", name="Pro", monthly_credits=400)
    Subscription.objects.create(site=shop, vendor_product_id="pro", plan=plan)
    endpoint(shop, events=["credits.low"])

    keeping.tell_of_low_credits()
    assert told(shop) == []
    factories.pending_generation(shop)  # 75 of 400
    keeping.tell_of_low_credits()
    assert told(shop) == [("credits.low", "")]


def test_a_site_without_endpoints_costs_one_look_into_an_index_and_writes_nothing() -> None:
    shop = factories.site()
    for _ in range(50):
        endpoint(factories.site(credits=0))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # fifty rows are one page
    plan = plan_of(lambda: outbox.tell(shop.pk, outbox.SITE_DISCONNECTED), "INSERT INTO blogs_webhookmessage")
    assert "webhook_endpoint_of_site" in indexes(plan)
    assert read_whole(plan) == set()

    factories.done_generation(shop)
    assert WebhookMessage.objects.count() == 0
