"""Plans and their credits: each paid month once, whatever comes, in whatever order, and however often."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from blogs.models import SiteLine
from blogs.operations import proof
from blogs.site_events import subscriptions
from credits import ledger
from credits.models import CreditAccount
from tests.support import factories
from tests.support.app import APP_ID
from tests.support.wix.plans import FREE, JANUARY_31, MONTHLY, allowed, apply, make_plans, months, paid
from wix.billing import invoices
from wix.billing.months import period
from wix.models import Allowance, Plan, Site, Subscription, WebhookDelivery


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


READING = st.tuples(st.integers(0, 75), st.sampled_from(["basic", "pro", None]))


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(readings=st.lists(READING, min_size=1, max_size=8, unique_by=lambda reading: reading[0]), data=st.data())
def test_readings_applied_in_any_order_end_as_the_last_one_and_never_give_a_month_twice(
    readings: list[tuple[int, str | None]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations([*readings, *readings[:2]]))
    with transaction.atomic():
        make_plans()
        site = factories.site(credits=0)
        for day, product in order:
            found = paid(product) if product else FREE
            apply(site, found, JANUARY_31 + timedelta(days=day))

        now = Subscription.objects.get(site=site)
        last = max(readings)[1] or ""
        assert (now.vendor_product_id, now.plan.vendor_product_id if now.plan else "") == (last, last)
        granted = list(Allowance.objects.filter(site=site).order_by("period_start"))
        assert all(given <= max(MONTHLY.values()) for _, given in months(site))
        for one, next_ in itertools.pairwise(granted):
            assert one.period_start == next_.period_start or one.period_end <= next_.period_start
        assert allowed(site) == sum(allowance.credits for allowance in granted)
        if last:
            month = period(JANUARY_31, JANUARY_31 + timedelta(days=max(readings)[0]))
            assert any(allowance.period_start == month[0] for allowance in granted)
        transaction.set_rollback(True)


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

    # One for next year is one of them.
    answers = [client.post(scheduledAt="2999-01-01T00:00:00Z"), client.post(), client.post()]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    body = answers[-1].json()
    assert (body["code"], body["retryable"]) == ("plan_limit", True)
    assert body["upgradeUrl"].endswith(f"?appInstanceId={site.instance_id}")
    assert int(answers[-1]["Retry-After"]) > 0
    # A cap above what any site may have changes nothing.
    SiteLine.objects.filter(pk=site.pk).update(waiting_max=10**6)
    assert client.post().status_code == 201


def test_without_credits_the_answer_says_where_to_get_some(plans: None, api: Any) -> None:
    site = factories.site(credits=24)

    body = api(site).post().json()

    assert (body["status"], body["required"], body["available"]) == (402, 25, 24)
    address = f"https://www.wix.com/apps/upgrade/{APP_ID}?appInstanceId={site.instance_id}"
    assert body["upgradeUrl"] == address


# --- Refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_takes_back_what_its_invoice_gave_once(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(), JANUARY_31)
    apply(site, paid(invoice="1002"), JANUARY_31 + timedelta(days=30))
    factories.done_generation(site)
    now = JANUARY_31 + timedelta(days=31)

    taken = [invoices.take_back(site, invoice, at=now, why="refund") for invoice in ("1001", "1001", "1002", "1002")]

    assert taken == [100, 0, 100, 0]
    account = CreditAccount.objects.get(site=site)
    assert (account.balance, account.debt) == (0, 25)
    assert proof.discrepancies() == []


def test_a_refund_of_an_unknown_invoice_means_the_month_it_came_in(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(invoice=""), JANUARY_31)
    apply(site, paid(invoice=""), JANUARY_31 + timedelta(days=30))

    assert invoices.take_back(site, "9", at=JANUARY_31 + timedelta(days=5), why="refund") == 100
    assert invoices.take_back(site, "9", at=JANUARY_31 + timedelta(days=40), why="refund") == 0
    assert list(Allowance.objects.order_by("pk").values_list("taken_back", flat=True)) == [100, 0]


def told(site: Site, status: str, invoice: str, at: datetime) -> None:
    WebhookDelivery.objects.create(
        digest=f"{status}{invoice}{at}",
        event_type="InvoiceStatusUpdated",
        instance_id=site.instance_id,
        data={"status": status, "invoiceId": invoice},
        issued_at=at,
        received_at=at,
        status="done",
        due_at=None,
    )


def day(number: float) -> datetime:
    return JANUARY_31 + timedelta(days=number)


def test_a_refund_takes_back_what_its_own_invoice_gave_within_the_month(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid("basic", invoice="A"), day(0))
    apply(site, paid("pro", invoice="B"), day(1))

    assert invoices.take_back(site, "A", at=day(2), why="refund") == 100
    assert apply(site, paid("pro", invoice="B"), day(3)) == 0
    # Neither is of an invoice that has given nothing.
    assert invoices.take_back(site, "C", at=day(4), why="refund") == 0
    assert invoices.take_back(site, "B", at=day(5), why="refund") == 300
    assert allowed(site) == 0


def test_an_invoice_that_was_refunded_before_we_gave_anything_for_it_gives_nothing(plans: None) -> None:
    site = factories.site(credits=0)
    told(site, "CHARGEDBACK", "1001", day(-1))

    assert apply(site, paid(), day(0)) == 0
    assert apply(site, paid(invoice="1002"), day(1)) == 100
    assert invoices.take_back(site, "1001", at=day(1), why="refund") == 0


def test_a_refund_is_of_one_month_where_wix_names_the_first_invoice_in_all_of_them(plans: None) -> None:
    site = factories.site(credits=0)
    given = [apply(site, paid(), day(days)) for days in (0, 30)]
    told(site, "REFUNDED", "1001", day(31))

    assert invoices.take_back(site, "1001", at=day(31), why="refund") == 100
    assert [*given, apply(site, paid(), day(40)), apply(site, paid(), day(60))] == [100, 100, 0, 100]
    assert allowed(site) == 200


@pytest.mark.parametrize("free_between", [False, True])
def test_who_buys_again_after_a_refund_gets_credits_again(plans: None, free_between: bool) -> None:
    site = factories.site(credits=0)
    apply(site, paid(), day(0))
    told(site, "REFUNDED", "1001", day(0.5))
    invoices.take_back(site, "1001", at=day(0.5), why="refund")
    if free_between:
        apply(site, FREE, day(1))

    assert apply(site, paid("basic", day(2), "1002"), day(2)) == 100
    assert apply(site, paid("pro", day(2), "1002"), day(3)) == 300
    assert allowed(site) == 400


def test_a_month_whose_payment_failed_waits_until_it_is_paid(plans: None) -> None:
    site = factories.site(credits=0)
    told(site, "PAYMENT_FAILED", "0999", day(-1))
    assert apply(site, paid(), day(0)) == 100
    told(site, "PAYMENT_FAILED", "1002", day(27))

    assert [apply(site, paid(), day(28)), apply(site, paid(invoice="1002"), day(29))] == [0, 0]
    assert Subscription.objects.get().next_grant_at == day(30)  # to see whether it has been paid by another
    told(site, "PAID", "1002", day(29.5))
    assert apply(site, paid(), day(30)) == 100
    told(site, "PAYMENT_FAILED", "1003", day(58))
    assert apply(site, paid(invoice="1004"), day(60)) == 100


@pytest.mark.parametrize("since", [JANUARY_31, None])
def test_what_is_paid_once_gives_once(plans: None, since: datetime | None) -> None:
    site = factories.site(credits=0)
    once = [paid("basic", since, cycle=cycle) for cycle in ("ONE_TIME", "NO_CYCLE", "ONE_TIME")]
    given = [apply(site, found, day(days)) for found, days in zip(once, (0, 40, 80), strict=True)]

    assert given == [100, 0, 0]
    again = paid("basic", day(90), "1002", cycle="ONE_TIME")
    assert [apply(site, again, day(days)) for days in (90, 130)] == [100, 0]


def test_a_debt_is_paid_from_the_next_allowance(plans: None) -> None:
    site = factories.site(credits=0)
    apply(site, paid(), JANUARY_31)
    factories.done_generation(site)
    invoices.take_back(site, "1001", at=JANUARY_31, why="refund")
    with transaction.atomic():
        assert ledger.lock(site.pk).debt == 25

    apply(site, paid(invoice="1002"), JANUARY_31 + timedelta(days=30))

    account = CreditAccount.objects.get(site=site)
    assert (account.available, account.debt) == (75, 0)
