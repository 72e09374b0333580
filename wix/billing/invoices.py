"""What Wix tells us of invoices, and what of a month's credits that undoes.

Each grant remembers the invoice that Wix named then. A refund takes back that invoice's grants alone, of the month in which it
arrives, or the latest before: Wix may name a site's first invoice in all months, and one refund isn't meant for all of them. Nor
does it keep later months from being granted, if Wix goes on to say that the site pays.
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
# A month may be charged for so long before it begins.
_CHARGED_BEFORE = timedelta(days=3)


def take_back(site: Site, invoice_id: str, *, at: datetime, why: str) -> int:
    """What the refunded invoice gave; of one that we don't know, what was given without any. Each grant once. What is spent already
    becomes debt."""
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
    """Told of it again, as of a chargeback after a refund, it is not to take another month. An id may be longer than a key."""
    return f"refund:{site.pk}:{hashlib.sha256(invoice_id.encode()).hexdigest()[:32]}:{number}"


def _meant(site: Site, invoice_id: str, at: datetime) -> QuerySet[Allowance]:
    ours = Allowance.objects.filter(site=site)
    its_own = ours.filter(invoice_id=invoice_id)
    meant = its_own if its_own.exists() else ours.filter(invoice_id="")
    of_that_time = meant.filter(period_start__lte=at, period_end__gt=at)
    if of_that_time.exists() or meant is not its_own:
        return of_that_time
    latest = its_own.order_by("-period_start").values_list("period_start", flat=True)[:1]
    return its_own.filter(period_start__in=list(latest))


def was_refunded(site: Site, invoice_id: str, month: datetime) -> bool:
    """This invoice's credits for the month that begins then are not to be given (again). Its refund may have come before we gave
    anything for it."""
    if not invoice_id:
        return False
    its_own = Allowance.objects.filter(site=site, invoice_id=invoice_id)
    if its_own.filter(period_start=month, taken_back__gt=0).exists():
        return True
    since = month if its_own.exists() else month - _CHARGED_BEFORE
    told = _told(site).filter(data__invoiceId=invoice_id, data__status__in=REFUNDS)
    return told.filter(received_at__gte=since).exists()


def payment_is_failing(site: Site, invoice_id: str, month: datetime) -> bool:
    """Wix goes on to say that a site pays while it tries to charge it again: a month that begins meanwhile waits until that
    succeeds, or until the site pays by an invoice that has given nothing yet."""
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
