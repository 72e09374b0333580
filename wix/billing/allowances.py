"""What a site pays for, and the credits that gives: once a paid month, by our own clock.

Wix announces neither renewals nor the end of a plan, and its events come twice and in any order. So no event is believed: each
leads to reading the app's instance, and `apply` makes ours what Wix says there. Of two readings the one that began later counts.

Months are counted from when the site became paid (`months`). That moment stays while it pays, and when it pays again within a
month that was given: changing plans, or toggling them, earns nothing twice. A larger plan within the month tops it up; a smaller
one takes nothing back. Months that passed while we were down are not given later: their credits were for use within them. A site
that got its money back and buys again within the month gets credits again. Wix's free trial of a plan counts as paying.

Everything here runs under the lock of the site's credit account, so that two processes at once give once; the ledger's idempotency
keys ensure the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max, QuerySet, Sum

from credits import ledger
from credits.models import CreditAccount
from wix.billing import invoices
from wix.billing.months import period
from wix.client.app_instance import AppInstance, Billing
from wix.models import Allowance, Plan, Site, Subscription
from workers.errors import TransientError

# Cycles that are paid once and not month by month: they give once.
ONCE = ("ONE_TIME", "NO_CYCLE")
_LOOK_AGAIN = timedelta(days=1)
# The product of a site that pays, where Wix doesn't say for what.
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan gives beside credits: a share of the queue, and how many unfinished blogs."""

    weight: int = 1
    open_blogs_max: int | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    message: str
    granted: int = 0
    terms: Terms | None = None
    """The plan's, where the plan has changed: from now on they hold for the site's line."""


def apply(site: Site, found: AppInstance, *, read_at: datetime, event_at: datetime | None = None) -> Applied:
    """Make ours what Wix said in a reading that began at `read_at`. Needs a transaction, its caller's.

    `event_at` is when the event happened that led to the reading. It stands in where the reading doesn't say since when the site
    pays. Raises TransientError where Wix doesn't say whether it pays.
    """
    account = ledger.lock(site.pk)
    subscription, _ = Subscription.objects.get_or_create(site=site)
    if subscription.read_at and subscription.read_at >= read_at:
        return Applied("a newer reading was applied before")
    before = subscription.plan_id
    if found.is_free or (found.is_free is None and not found.billing):
        granted = _end(subscription, known=found.is_free is not None)
    else:
        granted = _pay(account, subscription, found.billing or Billing(product_id=""), read_at, event_at)
    subscription.read_at = read_at
    subscription.save()
    terms = _terms(subscription.plan) if subscription.plan_id != before else None
    return Applied(_said(subscription, granted), granted, terms)


def _end(subscription: Subscription, *, known: bool) -> int:
    if not known:
        raise TransientError("wix_unavailable", "Wix doesn't say whether this site pays.")
    # `paid_since` stays, for a site that pays again within a month that it has been given.
    subscription.vendor_product_id = subscription.cycle = subscription.invoice_id = ""
    subscription.plan = subscription.expires_at = subscription.next_grant_at = None
    subscription.auto_renewing = subscription.on_free_trial = False
    return 0


def _pay(
    account: CreditAccount, subscription: Subscription, billing: Billing, read_at: datetime, event_at: datetime | None
) -> int:
    subscription.paid_since = _anchor(subscription, billing.since or event_at or read_at, read_at)
    subscription.vendor_product_id = billing.product_id or subscription.vendor_product_id or UNNAMED
    subscription.plan = Plan.objects.filter(vendor_product_id=subscription.vendor_product_id).first()
    subscription.cycle, subscription.invoice_id = billing.cycle[:20], billing.invoice_id[:100]
    # If it has passed and Wix still says that the site pays, a payment is being tried again: the plan stays active.
    subscription.expires_at = billing.expires_at
    subscription.auto_renewing, subscription.on_free_trial = billing.auto_renewing, billing.on_free_trial
    subscription.next_grant_at = period(subscription.paid_since, read_at)[1]
    return _grant(account, subscription, *_month(subscription, billing.since or event_at or read_at, read_at), read_at)


def _month(subscription: Subscription, since: datetime, read_at: datetime) -> tuple[datetime, datetime]:
    """Return the month to grant: the present one, or, for what is paid once, the one in which it was bought."""
    assert subscription.paid_since
    if subscription.cycle not in ONCE:
        return period(subscription.paid_since, read_at)
    bought = {"vendor_product_id": subscription.vendor_product_id, "invoice_id": subscription.invoice_id}
    given = Allowance.objects.filter(site=subscription.site_id, **bought).order_by("period_start").first()
    if given:
        return given.period_start, given.period_end
    return period(subscription.paid_since, min(since, read_at))


def _anchor(subscription: Subscription, since: datetime, read_at: datetime) -> datetime:
    """Return the moment from which the site's months are counted: the known one while it pays, or has a month that was given."""
    since = min(since, read_at)
    if subscription.paid_since is None:
        return since
    given = Allowance.objects.filter(site=subscription.site_id, period_end__gt=since, taken_back__lt=F("credits"))
    return subscription.paid_since if subscription.vendor_product_id or given.exists() else since


def _grant(
    account: CreditAccount, subscription: Subscription, start: datetime, end: datetime, read_at: datetime
) -> int:
    plan, site, invoice_id = subscription.plan, subscription.site, subscription.invoice_id
    if plan is None or invoices.was_refunded(site, invoice_id, start):
        return 0
    if invoices.payment_is_failing(site, invoice_id, start):
        assert subscription.next_grant_at
        subscription.next_grant_at = min(subscription.next_grant_at, read_at + _LOOK_AGAIN)
        return 0
    ours = Allowance.objects.filter(site=site, period_start=start)
    more = plan.monthly_credits - _given(ours, invoice_id)
    if more <= 0:
        return 0
    number = ours.count() + 1
    key = f"allowance:{site.pk}:{start:%Y-%m-%dT%H:%M:%S.%f}:{number}"
    if not ledger.grant(account, more, reason=f"{plan}, month from {start:%Y-%m-%d}"[:200], idempotency_key=key):
        return 0
    ours.create(
        site=site,
        period_start=start,
        period_end=end,
        number=number,
        vendor_product_id=subscription.vendor_product_id,
        invoice_id=invoice_id,
        credits=more,
        up_to=plan.monthly_credits,
    )
    return more


def _given(month: QuerySet[Allowance], invoice_id: str) -> int:
    """Return what the month has been given already, to be subtracted from the plan's credits.

    If this invoice has given before, that is the most that its plans came to: a refund of another invoice adds nothing. If it has
    not, it is what was granted and not taken back: a site that buys again after a refund gets those credits once more.
    """
    by_this = month.filter(invoice_id=invoice_id).aggregate(up_to=Max("up_to"))["up_to"]
    if by_this is not None:
        return int(by_this)
    return int(month.aggregate(sum=Sum(F("credits") - F("taken_back")))["sum"] or 0)


def _terms(plan: Plan | None) -> Terms:
    return Terms(plan.weight, plan.open_blogs_max) if plan else Terms()


def _said(subscription: Subscription, granted: int) -> str:
    if not subscription.vendor_product_id:
        return "free"
    plan = str(subscription.plan) if subscription.plan else f"unknown plan {subscription.vendor_product_id}"
    return f"{plan}; {granted} credits granted" if granted else plan
