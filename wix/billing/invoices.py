"""Refunds and failed payments: what Wix tells us of invoices, and which of a month's credits that undoes or delays.

Each grant remembers the invoice that Wix named then. A refund takes back that invoice's grants alone, of the month in which it
arrives, or of the latest before. The reason: Wix may name a site's first invoice in all months, and one refund isn't meant for all
of them. A refund does not keep later months from being granted, if Wix goes on to say that the site pays.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from credits import ledger
from wix.models import Allowance, Site, WebhookDelivery

EVENT = "InvoiceStatusUpdated"
REFUNDS = ("REFUNDED", "CHARGEDBACK")
_PAYMENT_FAILED = "PAYMENT_FAILED"
# How long before a month begins Wix may charge for it.
_CHARGED_BEFORE = timedelta(days=3)


def take_back(site: Site, invoice_id: str, *, at: datetime, why: str) -> int:
    """Take back what a refunded invoice gave, each grant once, and return how many credits; what is spent already becomes debt.

    Of an invoice that we don't know, it takes back what was granted without any invoice.
    """
    taken = 0
    with transaction.atomic():
        account = ledger.lock(site.pk)
        for grant in _meant(site, invoice_id, at):
            amount = grant.credits - grant.taken_back
            key = f"refund:{grant.pk}" if grant.invoice_id else _key_of_unknown(site, invoice_id, grant.number)
            if amount and ledger.adjust(account, -amount, reason=why[:200], idempotency_key=key):
                taken += amount
                Allowance.objects.filter(pk=grant.pk).update(taken_back=F("credits"))
    return taken


def _key_of_unknown(site: Site, invoice_id: str, number: int) -> str:
    """Name a refund by its invoice, so that a second one (a chargeback after a refund) takes no other month.

    It is hashed, since an invoice's id may be longer than a key.
    """
    return f"refund:{site.pk}:{hashlib.sha256(invoice_id.encode()).hexdigest()[:32]}:{number}"


def _meant(site: Site, invoice_id: str, at: datetime) -> QuerySet[Allowance]:
    """Find the grants that a refund undoes."""
    ours = Allowance.objects.filter(site=site)
    its_own = ours.filter(invoice_id=invoice_id)
    meant = its_own if its_own.exists() else ours.filter(invoice_id="")
    of_that_time = meant.filter(period_start__lte=at, period_end__gt=at)
    if of_that_time.exists() or meant is not its_own:
        return of_that_time
    latest = its_own.order_by("-period_start").values_list("period_start", flat=True)[:1]
    return its_own.filter(period_start__in=list(latest))


def was_refunded(site: Site, invoice_id: str, month: datetime) -> bool:
    """Say whether this invoice's credits for the month that begins then must not be given, or not again, because of a refund.

    The refund may have come before we gave anything for the invoice.
    """
    if not invoice_id:
        return False
    its_own = Allowance.objects.filter(site=site, invoice_id=invoice_id)
    if its_own.filter(period_start=month, taken_back__gt=0).exists():
        return True
    since = month if its_own.exists() else month - _CHARGED_BEFORE
    told = _told(site).filter(data__invoiceId=invoice_id, data__status__in=REFUNDS)
    return told.filter(received_at__gte=since).exists()


def payment_is_failing(site: Site, invoice_id: str, month: datetime) -> bool:
    """Say whether a month must wait because the payment for it has failed.

    Wix goes on to say that a site pays while it tries to charge it again. So a month that begins meanwhile waits until that
    succeeds, or until the site pays by an invoice that has given nothing yet.
    """
    grants = Allowance.objects.filter(site=site)
    if grants.filter(period_start=month).exists():
        return False
    newest = _told(site).order_by(F("issued_at").desc(nulls_last=True), "-id").values_list("data", flat=True).first()
    if not isinstance(newest, dict) or newest.get("status") != _PAYMENT_FAILED:
        return False
    return (
        newest.get("invoiceId") == invoice_id or grants.filter(invoice_id=invoice_id, period_start__lt=month).exists()
    )


def _told(site: Site) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(instance_id=site.instance_id, event_type=EVENT)
