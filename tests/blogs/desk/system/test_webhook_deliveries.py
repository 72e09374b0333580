from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from blogs.models import AuditEntry, SiteLine
from blogs.operations import alerts
from blogs.site_events import handlers
from tests.support import factories
from tests.support.blogs.desk_pages import act, ids_listed, site_page, text_of, visible
from wix.models import Allowance, Plan, Subscription, WebhookDelivery
from wix.webhooks import deliveries

pytestmark = pytest.mark.django_db

LIST = "admin:wix_webhookdelivery_changelist"


def delivery(event_type: str = "AppRemoved", **fields: Any) -> WebhookDelivery:
    given = {"digest": uuid.uuid4().hex, "event_type": event_type, "data": {"appId": "<b>x</b>"}, **fields}
    return WebhookDelivery.objects.create(**given)


def test_staff_find_deliveries_by_site_type_and_status(desk: Client) -> None:
    site = factories.site(name="Wool & Co")
    of_site = delivery(instance_id=site.instance_id, status="failed")
    delivery("PaidPlanPurchased", instance_id=uuid.uuid4())

    for query in (
        {"q": str(site.instance_id)},
        {"q": "wool"},
        {"event_type": "AppRemoved"},
        {"status__exact": "failed"},
    ):
        assert ids_listed(desk, LIST, **query) == [of_site.pk]
    page = text_of(desk, reverse("admin:wix_webhookdelivery_change", args=[of_site.pk]))
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "Replay" in page


def test_a_failed_one_is_replayed_or_left(desk: Client) -> None:
    failed = [delivery(instance_id=uuid.uuid4(), status="failed", due_at=None, attempts=10) for _ in range(2)]
    done = delivery(status="done", due_at=None)
    assert [alert.name for alert in alerts.firing(_calm(), 1, [], [])] == ["webhooks_failed"]

    replayed = act(desk, "replay", failed[0].pk, url_name=LIST)
    left = act(desk, "ignore", failed[1].pk, done.pk, url_name=LIST)

    assert (replayed, left) == ("1 will be worked on within moments.", "1 ignored, 1 skipped (not failed).")
    assert alerts.firing(_calm(), 1, [], []) == []
    assert handlers.work_off() == 1
    failed[0].refresh_from_db()
    assert (failed[0].status, failed[0].outcome) == ("done", "a site that we don't know")
    done_by_staff = AuditEntry.objects.exclude(action="login").order_by("id").values_list("action", flat=True)
    assert [*done_by_staff] == ["replay_webhook", "leave_webhook"]


@pytest.mark.parametrize(("action", "move"), [("replay", "replay"), ("ignore", "leave_failed")])
def test_what_could_not_be_done_leaves_no_entry(
    desk: Client, monkeypatch: pytest.MonkeyPatch, action: str, move: str
) -> None:
    def fails(chosen: Any) -> int:
        raise OperationalError("the database went away")

    failed = delivery(status="failed", due_at=None)
    monkeypatch.setattr(deliveries, move, fails)

    with pytest.raises(OperationalError):
        act(desk, action, failed.pk, url_name=LIST)

    assert not AuditEntry.objects.exclude(action="login").exists()


def _calm() -> dict[str, Any]:
    return {"queue": 0, "paused": False, "oldest_ready_seconds": 0.0, "done_last_minute": 0}


def test_who_may_only_look_replays_nothing(desk_with: Callable[..., Client]) -> None:
    row = delivery(status="failed", due_at=None)
    client = desk_with("wix.view_webhookdelivery")

    assert "Replay" not in text_of(client, reverse("admin:wix_webhookdelivery_change", args=[row.pk]))
    client.post(reverse(LIST), {"action": "replay", "_selected_action": [row.pk]})

    row.refresh_from_db()
    assert row.status == "failed"


def test_a_plan_that_staff_edit_reaches_the_lines_of_those_who_have_it(desk: Client) -> None:
    plan = Plan.objects.create(vendor_product_id="basic", name="Basic", monthly_credits=100)
    site = factories.site()
    SiteLine.objects.create(site=site)
    Subscription.objects.create(site=site, plan=plan, vendor_product_id="basic")
    url = reverse("admin:wix_plan_change", args=[plan.pk])
    form = {"vendor_product_id": "basic", "name": "Basic", "monthly_credits": 100, "open_blogs_max": 7}

    too_heavy = desk.post(url, {**form, "weight": 11})
    desk.post(url, {**form, "weight": 4})

    assert "less than or equal to 10" in too_heavy.content.decode()
    line = SiteLine.objects.get()
    assert (1 / line.step, line.waiting_max) == (4, 7)


def test_a_sites_page_shows_its_plan_and_what_it_gave(desk: Client, django_assert_max_num_queries: Any) -> None:
    site = factories.site()
    assert "Nothing was ever heard of its plan" in visible(site_page(desk, site.pk))
    Subscription.objects.create(site=site, vendor_product_id="gold", cycle="MONTHLY")
    Allowance.objects.create(
        site=site,
        period_start="2026-01-31T00:00Z",
        period_end="2026-02-28T00:00Z",
        vendor_product_id="gold",
        credits=900,
        taken_back=900,
    )

    page = visible(site_page(desk, site.pk))

    assert "unknown plan gold" in page
    assert "900 900" in page
    assert [alert.name for alert in alerts.firing(_calm(), 1, [], [])] == ["plan_unknown"]


def test_old_deliveries_go_when_they_are_over(settings: Any) -> None:
    settings.WEBHOOK_RETENTION_DAYS = 90
    kept = [delivery(status="failed", due_at=None), delivery(status="received")]
    old = [delivery(status=status, due_at=None) for status in ("done", "ignored")]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE wix_webhookdelivery SET received_at = now() - interval '91 days'")
    kept.append(delivery(status="done", due_at=None))

    assert deliveries.prune() == len(old)

    assert set(WebhookDelivery.objects.values_list("pk", flat=True)) == {row.pk for row in kept}
