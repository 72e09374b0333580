"""Plans and their credits: each paid month once, whatever comes, in whatever order, and however often."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Sum

from blogs.models import SiteLine
from credits import ledger
from credits.models import Credit
from tests import factories
from tests.sandbox import Sandbox
from tests.sandbox.wix_webhooks import public_key, sample
from tests.threads import at_once
from tests.wix.webhooks import deliver, deliver_and_work
from wix import billing, subscriptions, webhooks
from wix.app_instance import AppInstance, Billing
from wix.models import Allowance, Plan, Site, Subscription, WebhookDelivery

JANUARY_31 = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _key(settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [public_key()]


@pytest.fixture
def plans(transactional_db: None) -> None:
    Plan.objects.create(vendor_product_id="basic", name="Basic", monthly_credits=100, weight=2, open_blogs_max=50)
    Plan.objects.create(vendor_product_id="pro", name="Pro", monthly_credits=400, weight=5)


def paid(product: str = "basic", since: datetime | None = JANUARY_31, invoice: str = "1001") -> AppInstance:
    return AppInstance("x", is_free=False, billing=Billing(product, cycle="MONTHLY", since=since, invoice_id=invoice))


FREE = AppInstance("x", is_free=True)


def apply(site: Site, found: AppInstance, at: datetime) -> int:
    """How many credits it gave."""
    return subscriptions.carry(site, found, read_at=at).granted


def allowed(site: Site) -> int:
    entries = Credit.objects.filter(account__site=site).exclude(reason="test")
    return entries.aggregate(sum=Sum("balance_change"))["sum"] or 0


def months(site: Site) -> list[tuple[str, int]]:
    of_site = Allowance.objects.filter(site=site).order_by("period_start")
    return [(f"{allowance.period_start:%m-%d}", allowance.credits) for allowance in of_site]


@pytest.mark.parametrize(
    ("since", "now", "start", "end"),
    [
        ("2026-01-31", "2026-02-27", "2026-01-31", "2026-02-28"),
        ("2026-01-31", "2026-02-28", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "2026-03-30", "2026-02-28", "2026-03-31"),
        ("2026-01-31", "2026-03-31", "2026-03-31", "2026-04-30"),
        ("2024-02-29", "2025-02-28", "2025-02-28", "2025-03-29"),
        ("2025-12-15", "2026-01-14", "2025-12-15", "2026-01-15"),
        ("2025-12-15", "2026-01-15", "2026-01-15", "2026-02-15"),
        ("2026-05-01", "2026-04-01", "2026-05-01", "2026-06-01"),
    ],
)
def test_months_go_by_the_calendar(since: str, now: str, start: str, end: str) -> None:
    def day(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert billing.period(day(since), day(now)) == (day(start), day(end))


def test_each_paid_month_is_given_once_and_missed_ones_are_not(plans: None) -> None:
    site = factories.site(credits=0)
    given = [apply(site, paid(), JANUARY_31 + timedelta(days=days)) for days in (0, 1, 27, 28, 29, 120)]

    assert given == [100, 0, 0, 100, 0, 100]
    assert months(site) == [("01-31", 100), ("02-28", 100), ("05-31", 100)]


def test_changes_within_a_month_earn_what_the_largest_plan_gives(plans: None) -> None:
    site = factories.site(credits=0)
    steps = [
        paid("basic"),
        paid("pro"),
        paid("basic"),
        FREE,
        paid("pro", JANUARY_31 + timedelta(days=4)),
        paid("basic"),
    ]
    given = [apply(site, found, JANUARY_31 + timedelta(days=day)) for day, found in enumerate(steps)]

    assert given == [100, 300, 0, 0, 0, 0]
    assert Subscription.objects.get().paid_since == JANUARY_31
    # When it pays again after its month, months are counted from then.
    apply(site, FREE, JANUARY_31 + timedelta(days=20))
    again = JANUARY_31 + timedelta(days=45)
    assert apply(site, paid("basic", again), again) == 100
    assert months(site) == [("01-31", 400), ("03-17", 100)]


def test_the_later_reading_counts_whichever_is_applied_last(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, FREE, JANUARY_31 + timedelta(seconds=2))

    assert apply(site, paid("pro"), JANUARY_31 + timedelta(seconds=1)) == 0
    assert Subscription.objects.get().vendor_product_id == ""


def test_a_plan_brings_its_weight_and_cap_and_takes_them_along(plans: None) -> None:
    site = factories.site(credits=0)

    def line() -> tuple[int, int | None]:
        found = SiteLine.objects.get(pk=site.pk)
        return round(1 / found.step), found.waiting_max

    seen = []
    for day, found in enumerate([paid("basic"), paid("pro"), FREE, paid("basic")]):
        apply(site, found, JANUARY_31 + timedelta(days=day))
        seen.append(line())
    assert seen == [(2, 50), (5, None), (1, None), (2, 50)]
    # What staff set by hand stays until the plan changes.
    SiteLine.objects.update(step=1 / 7)
    apply(site, paid("basic"), JANUARY_31 + timedelta(days=9))
    assert line() == (7, 50)
    plan = Plan.objects.get(vendor_product_id="basic")
    plan.weight, plan.open_blogs_max = 40, 10
    assert subscriptions.plan_changed(plan) == 1
    assert line() == (10, 10)


def test_more_waiting_blogs_than_the_plan_allows_are_refused_with_a_way_up(plans: None, api: Any) -> None:
    site = factories.site()
    apply(site, paid("basic"), JANUARY_31)
    SiteLine.objects.filter(pk=site.pk).update(waiting_max=2)
    client = api(site)

    answers = [client.post() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    body = answers[-1].json()
    assert (body["code"], body["retryable"]) == ("plan_limit", True)
    assert body["upgradeUrl"].endswith(f"?appInstanceId={site.instance_id}")
    assert int(answers[-1]["Retry-After"]) > 0
    # A cap above what any site may have changes nothing.
    SiteLine.objects.filter(pk=site.pk).update(waiting_max=10**6)
    assert client.post().status_code == 201


def test_without_credits_the_answer_says_where_to_get_some(plans: None, api: Any, settings: Any) -> None:
    site = factories.site(credits=24)

    body = api(site).post().json()

    assert (body["status"], body["required"], body["available"]) == (402, 25, 24)
    address = f"https://www.wix.com/apps/upgrade/{settings.WIX_APP_ID}?appInstanceId={site.instance_id}"
    assert body["upgradeUrl"] == address


# --- Refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_takes_back_what_its_invoice_gave_once(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(), JANUARY_31)
    apply(site, paid(invoice="1002"), JANUARY_31 + timedelta(days=30))
    factories.done_generation(site)
    now = JANUARY_31 + timedelta(days=31)

    taken = [billing.take_back(site, invoice, at=now, why="refund") for invoice in ("1001", "1001", "1002", "1002")]

    assert taken == [100, 0, 100, 0]
    account = ledger.CreditAccount.objects.get(site=site)
    assert (account.balance, account.debt) == (0, 25)
    assert ledger.discrepancies() == []


def test_a_refund_of_an_unknown_invoice_means_the_month_it_came_in(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(invoice=""), JANUARY_31)
    apply(site, paid(invoice=""), JANUARY_31 + timedelta(days=30))

    assert billing.take_back(site, "9", at=JANUARY_31 + timedelta(days=5), why="refund") == 100
    assert billing.take_back(site, "9", at=JANUARY_31 + timedelta(days=40), why="refund") == 0
    assert list(Allowance.objects.order_by("pk").values_list("taken_back", flat=True)) == [100, 0]


def test_who_buys_again_after_a_refund_gets_credits_again(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(), JANUARY_31)
    billing.take_back(site, "1001", at=JANUARY_31, why="refund")
    apply(site, FREE, JANUARY_31 + timedelta(days=1))
    again = JANUARY_31 + timedelta(days=2)

    assert apply(site, paid("basic", again, "1002"), again) == 100
    assert allowed(site) == 100


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
    for round_ in range(3):
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
                webhooks.work_off()
        webhooks.work_off()

        assert allowed(site) == credits, events
        assert round(1 / SiteLine.objects.get(pk=site.pk).step) == weight if credits or now else True
    assert ledger.discrepancies() == []


def test_events_while_the_plan_changes_at_wix_give_what_the_largest_gives(
    plans: None, shop: Site, sandbox: Sandbox
) -> None:
    instance = str(shop.instance_id)
    for number, product in enumerate(("basic", "pro", "basic", None, "pro", None)):
        sandbox.change_shop(instance, billing=at_wix(product))
        deliver_and_work("PaidPlanChanged", shop.instance_id, sample("PaidPlanChanged", invoiceId=str(number)))
        Subscription.objects.update(read_at=datetime.now(UTC) - timedelta(seconds=1))

    assert allowed(shop) == 400
    assert Subscription.objects.get().vendor_product_id == ""
    assert round(1 / SiteLine.objects.get(pk=shop.pk).step) == 1


class Killed(BaseException):
    """As SIGKILL, it runs no handler of ours."""


@pytest.mark.parametrize("step", ["wix.billing.ledger.grant", "blogs.lines.set_terms", "wix.deliveries._finish"])
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
            webhooks.work_off()
    WebhookDelivery.objects.update(due_at=datetime.now(UTC))

    assert webhooks.work_off() == 1

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
    subscription.paid_since, subscription.next_grant_at = subscription.paid_since - month, datetime.now(UTC)
    subscription.save()


def granting(**options: Any) -> str:
    from io import StringIO

    out = StringIO()
    call_command("grant_allowances", stdout=out, **options)
    return out.getvalue()


def test_a_renewal_of_which_nobody_tells_us_is_granted_once_by_any_number_of_processes(
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
    from wix import access_tokens

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

    assert deliver_and_work("PaidPlanPurchased", shop.instance_id) == "unknown plan gold"

    assert granting() == "Granted to 0 sites.\n"
    Plan.objects.create(vendor_product_id="gold", name="Gold", monthly_credits=900, weight=9)
    assert granting() == f"site {shop.pk}: Gold; 900 credits granted\nGranted to 1 site.\n"
    assert round(1 / SiteLine.objects.get(pk=shop.pk).step) == 9


def test_a_debt_is_paid_from_the_next_allowance(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(), JANUARY_31)
    factories.done_generation(site)
    billing.take_back(site, "1001", at=JANUARY_31, why="refund")
    with transaction.atomic():
        assert ledger.lock(site.pk).debt == 25

    apply(site, paid(invoice="1002"), JANUARY_31 + timedelta(days=30))

    account = ledger.CreditAccount.objects.get(site=site)
    assert (account.available, account.debt) == (75, 0)
