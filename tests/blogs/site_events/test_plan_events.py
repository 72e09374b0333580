"""Plans as Wix tells of them: events in any order, renewals without an event, and a worker killed in the middle."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from blogs.models import SiteLine
from blogs.operations import proof
from blogs.site_events import handlers, subscriptions
from tests.sandbox import Sandbox
from tests.sandbox.wix_webhooks import sample
from tests.support import factories
from tests.support.threads import at_once
from tests.support.wix.plans import allowed
from tests.support.wix.webhooks import Killed, deliver, deliver_and_work, make_due, work_off
from wix.client import access_tokens
from wix.models import Allowance, Plan, Site, Subscription, WebhookDelivery

pytestmark = pytest.mark.usefixtures("wix_signs")


# --- Events -----------------------------------------------------------------------------------------------------------


def at_wix(product: str | None, invoice: str = "1001", **more: Any) -> dict[str, Any] | None:
    if product is None:
        return None
    moment = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0).isoformat()
    return {"packageName": product, "billingCycle": "MONTHLY", "timeStamp": moment, "invoiceId": invoice, **more}


HISTORY = [
    ("PaidPlanPurchased", sample("PaidPlanPurchased")),
    ("InvoiceStatusUpdated", {"status": "PAID", "invoiceId": "1001", "recurring": False}),
    ("PaidPlanChanged", sample("PaidPlanChanged", vendorProductId="pro")),
    ("InvoiceStatusUpdated", {"status": "PAYMENT_FAILED", "invoiceId": "1003", "recurring": True}),
    ("PaidPlanAutoRenewalCancelled", sample("PaidPlanAutoRenewalCancelled", vendorProductId="pro")),
]
REFUND = ("InvoiceStatusUpdated", {"status": "REFUNDED", "invoiceId": "1002", "recurring": False})


@pytest.mark.parametrize(
    ("now", "more", "credits", "weight"),
    [
        (at_wix("pro", "1002"), [], 400, 5),
        (at_wix("pro", "1002"), [REFUND], 0, 5),
        (None, [REFUND], 0, 1),
        (at_wix("pro", "1002", freeTrialInfo={"status": "IN_PROGRESS"}), [], 400, 5),
    ],
)
def test_a_plans_history_in_any_order_ends_the_same(
    plans: None, shop: Site, sandbox: Sandbox, now: Any, more: list[Any], credits: int, weight: int
) -> None:
    chance = random.Random(7)
    sandbox.change_shop(str(shop.instance_id), billing=now)
    for round_ in range(2):
        WebhookDelivery.objects.all().delete()
        for model in (Allowance, Subscription):
            model.objects.all().delete()
        events = [*HISTORY, *more, *chance.sample(HISTORY, 2)]
        chance.shuffle(events)
        site = factories.site(credits=0)
        sandbox.add_shop(str(site.instance_id), "Shop")
        sandbox.change_shop(str(site.instance_id), billing=now)
        for number, (event_type, data) in enumerate(events):
            deliver(event_type, site.instance_id, data)
            if number % 2 == round_ % 2:
                handlers.work_off()
        handlers.work_off()

        assert allowed(site) == credits, events
        assert round(1 / SiteLine.objects.get(pk=site.pk).step) == weight if credits or now else True
    assert proof.discrepancies() == []


def test_events_while_the_plan_changes_at_wix_give_what_the_largest_gives(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    instance = str(shop.instance_id)
    for number, product in enumerate(("basic", "pro", "basic", None, "pro", None)):
        sandbox.change_shop(instance, billing=at_wix(product))
        told = sample("PaidPlanChanged", invoiceId=str(number), vendorProductId=product or "")
        deliver_and_work("PaidPlanChanged", shop.instance_id, told)
        Subscription.objects.update(read_at=datetime.now(UTC) - timedelta(seconds=1))

    assert allowed(shop) == 400
    assert Subscription.objects.get().vendor_product_id == ""
    assert round(1 / SiteLine.objects.get(pk=shop.pk).step) == 1


def test_a_plan_that_wix_does_not_show_yet_is_asked_for_again_and_then_what_it_shows_is_believed(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    deliver("PaidPlanPurchased", shop.instance_id)
    assert handlers.work_off() == 1
    assert "unsettled" in WebhookDelivery.objects.get().outcome
    sandbox.change_shop(str(shop.instance_id), billing=at_wix("basic"))
    make_due()
    assert work_off() == "Basic; 100 credits granted"
    # That it was basic once is no news of now.
    deliver("PaidPlanChanged", shop.instance_id, sample("PaidPlanChanged", vendorProductId="pro"))
    for _ in range(4):
        make_due()
        assert handlers.work_off() == 1
    assert WebhookDelivery.objects.get(event_type="PaidPlanChanged").outcome == "Basic"
    old = sample("PaidPlanPurchased", vendorProductId="pro", operationTimeStamp="2020-01-01T00:00:00Z")
    assert deliver_and_work("PaidPlanPurchased", shop.instance_id, old) == "Basic"


def test_no_access_to_a_site_that_is_there_is_a_failure_and_to_one_that_is_gone_is_none(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    sandbox.uninstall(str(shop.instance_id))
    deliver("PaidPlanPurchased", shop.instance_id)
    for _ in range(10):
        assert handlers.work_off() == 1
        make_due()
    assert WebhookDelivery.objects.get().status == "failed"

    Site.objects.update(removed_at=datetime.now(UTC))
    told = {"status": "PAID", "invoiceId": "1001", "recurring": True}
    assert deliver_and_work("InvoiceStatusUpdated", shop.instance_id, told).startswith("the app was removed")


@pytest.mark.parametrize(
    "step", ["wix.billing.allowances.ledger.grant", "blogs.queue.lines.set_terms", "wix.webhooks.deliveries._finish"]
)
def test_killed_at_any_step_it_is_all_done_once_afterwards(
    plans: None, shop: Site, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*args: Any, **fields: Any) -> None:
        raise Killed

    sandbox.change_shop(str(shop.instance_id), billing=at_wix("basic"))
    deliver("PaidPlanPurchased", shop.instance_id)
    with monkeypatch.context() as patched:
        patched.setattr(step, die)
        with pytest.raises(Killed):
            handlers.work_off()
    WebhookDelivery.objects.update(due_at=datetime.now(UTC))

    assert handlers.work_off() == 1

    assert allowed(shop) == 100
    assert SiteLine.objects.get(pk=shop.pk).waiting_max == 50
    assert WebhookDelivery.objects.get().status == "done"


# --- Each month -------------------------------------------------------------------------------------------------------


def a_month_later(site: Site) -> None:
    """For what it has been given until now."""
    month = timedelta(days=40)
    for allowance in Allowance.objects.filter(site=site):
        allowance.period_start -= month
        allowance.period_end -= month
        allowance.save()
    subscription = Subscription.objects.get(site=site)
    assert subscription.paid_since
    subscription.paid_since, subscription.next_grant_at = subscription.paid_since - month, datetime.now(UTC)
    subscription.save()


def granting(**options: Any) -> str:
    out = StringIO()
    call_command("grant_allowances", stdout=out, **options)
    return out.getvalue()


def test_a_renewal_without_an_event_is_granted_once_by_any_number_of_processes(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    sandbox.change_shop(str(shop.instance_id), billing=at_wix("basic", expirationDate="2020-01-01T00:00:00Z"))
    deliver_and_work("PaidPlanPurchased", shop.instance_id)
    assert granting() == "Granted to 0 sites.\n"
    a_month_later(shop)

    assert f"site {shop.pk} ({shop.instance_id}): due, basic" in granting(dry_run=True)
    assert allowed(shop) == 100
    granted = at_once(*[subscriptions.grant_due] * 4)

    assert sum(granted) == 1
    assert allowed(shop) == 200
    assert granting() == "Granted to 0 sites.\n"


def test_who_has_stopped_paying_is_ended_and_who_cannot_be_asked_is_asked_later(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    instance = str(shop.instance_id)
    sandbox.change_shop(instance, billing=at_wix("basic"))
    deliver_and_work("PaidPlanPurchased", shop.instance_id)
    a_month_later(shop)
    sandbox.fault("wix", "500", "app_instance", times=1)
    assert "put off" in granting()
    assert granting() == "Granted to 0 sites.\n"  # not at once
    a_month_later(shop)
    sandbox.uninstall(instance)
    access_tokens.forget(shop.instance_id)
    assert "not connected" in granting()
    a_month_later(shop)
    sandbox.change_shop(instance, removed=False, billing=None)
    assert f"site {shop.pk}: free" in granting()

    assert allowed(shop) == 100
    assert Subscription.objects.get().next_grant_at is None


def test_a_plan_that_our_list_lacks_is_kept_and_paid_out_when_staff_add_it(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    sandbox.change_shop(str(shop.instance_id), billing=at_wix("gold"))

    told = sample("PaidPlanPurchased", vendorProductId="gold")
    assert deliver_and_work("PaidPlanPurchased", shop.instance_id, told) == "unknown plan gold"

    assert granting() == "Granted to 0 sites.\n"
    Plan.objects.create(vendor_product_id="gold", name="Gold", monthly_credits=900, weight=9)
    assert granting() == f"site {shop.pk}: Gold; 900 credits granted\nGranted to 1 site.\n"
    assert round(1 / SiteLine.objects.get(pk=shop.pk).step) == 9
