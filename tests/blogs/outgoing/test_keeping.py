"""What is old goes, what was stored too late is dropped, and what senders ask the database for they find by indexes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, keeping, outbox, turns
from tests.support import factories
from tests.support.query_plans import indexes, plan_of
from tests.support.webhook_rows import endpoint
from wix.models import Site

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Site:
    return factories.site(credits=0)


def test_what_is_over_goes_with_time_and_a_deleted_endpoint_after_its_last_message(shop: Site, settings: Any) -> None:
    made = endpoint(shop).endpoint
    for _ in range(3):
        outbox.tell(shop.pk, outbox.SITE_DISCONNECTED)
    old = timezone.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS + 1)
    first, second, third = WebhookMessage.objects.order_by("id")
    WebhookMessage.objects.filter(pk=first.pk).update(created_at=old, state="delivered", due_at=None)
    WebhookMessage.objects.filter(pk=second.pk).update(created_at=old)
    assert keeping.prune() == 1
    assert set(WebhookMessage.objects.values_list("pk", flat=True)) == {second.pk, third.pk}

    endpoints.switch_off(made, WebhookEndpoint.Off.DELETED)
    WebhookMessage.objects.update(created_at=old)
    assert keeping.prune() == 2
    assert not WebhookEndpoint.objects.exists()


def test_a_message_that_a_late_move_stored_for_an_endpoint_that_is_off_is_dropped(shop: Site) -> None:
    made = endpoint(shop).endpoint
    outbox.tell(shop.pk, outbox.SITE_DISCONNECTED)
    off_at = timezone.now() - timedelta(minutes=2)
    WebhookEndpoint.objects.filter(pk=made.pk).update(off_at=off_at, off_why="shop")
    keeping.prune()
    assert WebhookMessage.objects.get().state == "dropped"


def test_what_waits_is_counted_and_how_late_it_is(shop: Site) -> None:
    assert turns.waiting() == (0, 0.0)
    endpoint(shop)
    outbox.tell(shop.pk, outbox.SITE_DISCONNECTED)
    WebhookMessage.objects.update(due_at=timezone.now() - timedelta(seconds=100))
    number, late = turns.waiting()
    assert number == 1
    assert 99 < late < 160
    WebhookEndpoint.objects.update(rests_until=timezone.now() + timedelta(minutes=1))
    assert turns.waiting() == (1, 0.0)


def test_a_turn_is_found_by_index_past_the_messages_of_a_whale(shop: Site) -> None:
    endpoint(shop)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO blogs_webhookmessage (endpoint_id, type, state, due_at)"
            " SELECT id, 'blog.queued', state, CASE state WHEN 'waiting' THEN now() END"
            " FROM blogs_webhookendpoint, generate_series(1, 5000) AS n,"
            " LATERAL (SELECT CASE n % 2 WHEN 0 THEN 'waiting' ELSE 'delivered' END AS state) AS s"
        )
        cursor.execute("ANALYZE blogs_webhookmessage")

    plan = plan_of(lambda: turns.take(slow=False), "WITH RECURSIVE waiting")
    assert "webhook_message_due_of" in indexes(plan)
    (steps,) = (node for node in plan if node["Node Type"] == "Recursive Union")
    whole = next(node for node in plan if node["Node Type"] == "Index Only Scan")["Total Cost"]
    assert steps["Total Cost"] < whole / 2  # a hundred steps cost less than to read all that waits, once
    assert not any(node["Node Type"] == "Seq Scan" and "message" in node["Relation Name"] for node in plan)
    made = WebhookEndpoint.objects.get()
    nodes = plan_of(lambda: turns.next_message(made), 'FROM "blogs_webhookmessage"')
    assert "webhook_message_due_of" in indexes(nodes)
