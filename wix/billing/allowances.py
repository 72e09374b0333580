"""What a site pays for, and the credits that gives: once a paid month, by our own clock.

Wix announces neither renewals nor the end of a plan, and its events come twice and in any order. So none is believed: each leads
to reading the app's instance, and `apply` makes ours what Wix says there; of two readings the one begun later counts. Months are
counted from when the site became paid, and that moment stays while it is paid, and when it pays again within a month that was
given: changing plans or toggling them earns nothing twice. A larger plan within the month tops it up; a smaller one takes nothing
back. Months that passed while we were down are not given later: they were for use within them, and nobody could. Who has had
their money back and buys again within the month gets credits again. Wix's free trial of a plan counts as paying.

Everything here runs under the lock of the site's credit account, so that two processes at once give once; the ledger's keys say it
again.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Max, QuerySet, Sum

from credits import ledger
from credits.models import Credit, CreditAccount
from wix.billing import invoices
from wix.client.app_instance import AppInstance, Billing
from wix.models import Allowance, Plan, Site, Subscription
from workers.errors import TransientError

# Paid once, not month by month: they give once.
ONCE = ("ONE_TIME", "NO_CYCLE")
_LOOK_AGAIN = timedelta(days=1)
# Where Wix says that a site pays and doesn't say for what.
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan gives beside credits."""

    weight: int = 1
    open_blogs_max: int | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    message: str
    granted: int = 0
    terms: Terms | None = None
    """Where they have changed: the site's line is to have them from now on."""


def apply(site: Site, found: AppInstance, *, read_at: datetime, event_at: datetime | None = None) -> Applied:
    """Make ours what Wix said in a reading begun at `read_at`. In its caller's transaction.

    `event_at`: when what we were told of happened; it stands in where the reading doesn't say since when the site pays.
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
    # When it has passed and Wix still says paid, a payment is being tried again: it stays active.
    subscription.expires_at = billing.expires_at
    subscription.auto_renewing, subscription.on_free_trial = billing.auto_renewing, billing.on_free_trial
    subscription.next_grant_at = period(subscription.paid_since, read_at)[1]
    return _grant(account, subscription, *_month(subscription, billing.since or event_at or read_at, read_at), read_at)


def _month(subscription: Subscription, since: datetime, read_at: datetime) -> tuple[datetime, datetime]:
    """The one to grant: that of now, or, of what is paid once, that in which it was bought."""
    assert subscription.paid_since
    if subscription.cycle not in ONCE:
        return period(subscription.paid_since, read_at)
    of_it = {"vendor_product_id": subscription.vendor_product_id, "invoice_id": subscription.invoice_id}
    given = Allowance.objects.filter(site=subscription.site_id, **of_it).order_by("period_start").first()
    if given:
        return given.period_start, given.period_end
    return period(subscription.paid_since, min(since, read_at))


def _anchor(subscription: Subscription, since: datetime, read_at: datetime) -> datetime:
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
    """What a plan's credits are set against. One that a site has newly paid for gives anew what was taken back before; once it has
    given, a refund of others' invoices adds nothing to it."""
    by_this = month.filter(invoice_id=invoice_id).aggregate(up_to=Max("up_to"))["up_to"]
    if by_this is not None:
        return int(by_this)
    return int(month.aggregate(sum=Sum(F("credits") - F("taken_back")))["sum"] or 0)


# --- Trial credits ----------------------------------------------------------------------------------------------------


def grant_trial(site: Site) -> None:
    """Once an instance for ever, which survives reinstalling; not for copies of a site, which anybody can make."""
    if settings.TRIAL_CREDITS > 0 and not site.origin_instance_id:
        account = ledger.lock(site.pk)
        ledger.grant(account, settings.TRIAL_CREDITS, reason="trial", idempotency_key=_trial_key(site))


def is_a_copy(site: Site, origin: UUID) -> None:
    """Its dashboard may have been opened before we were told: then its trial was not meant. In a transaction."""
    Site.objects.filter(pk=site.pk).update(origin_instance_id=origin)
    account = ledger.lock(site.pk)
    if trial := Credit.objects.filter(idempotency_key=_trial_key(site)).first():
        key = f"{_trial_key(site)}:back"
        ledger.adjust(account, -trial.amount, reason="no trial for a copy of a site", idempotency_key=key)


def _trial_key(site: Site) -> str:
    return f"trial:{site.instance_id}"


# --- Months -----------------------------------------------------------------------------------------------------------


def period(since: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The paid month that `now` is in: where it starts and ends."""
    months = 12 * (now.year - since.year) + now.month - since.month
    if months_after(since, months) > now:
        months -= 1
    months = max(months, 0)
    return months_after(since, months), months_after(since, months + 1)


def months_after(since: datetime, months: int) -> datetime:
    """By the calendar, ends of months kept: 31 January, 28 February, 31 March."""
    years, month = divmod(since.month - 1 + months, 12)
    year = since.year + years
    return since.replace(year=year, month=month + 1, day=min(since.day, calendar.monthrange(year, month + 1)[1]))


def upgrade_url(instance_id: UUID) -> str:
    """Wix's own page with our plans."""
    return f"https://www.wix.com/apps/upgrade/{settings.WIX_APP_ID}?appInstanceId={instance_id}"


def _terms(plan: Plan | None) -> Terms:
    return Terms(plan.weight, plan.open_blogs_max) if plan else Terms()


def _said(subscription: Subscription, granted: int) -> str:
    if not subscription.vendor_product_id:
        return "free"
    plan = str(subscription.plan) if subscription.plan else f"unknown plan {subscription.vendor_product_id}"
    return f"{plan}; {granted} credits granted" if granted else plan
