"""Trial credits: once for ever for each instance of our app, and none for copies of a site, which anyone can make."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from credits import ledger
from credits.models import Credit
from wix.models import Site


def grant(site: Site) -> None:
    """Give a new site its trial credits. Its instance id survives reinstalling, so that a second grant does nothing."""
    if settings.TRIAL_CREDITS > 0 and not site.origin_instance_id:
        account = ledger.lock(site.pk)
        ledger.grant(account, settings.TRIAL_CREDITS, reason="trial", idempotency_key=_key(site))


def mark_copy(site: Site, origin: UUID) -> None:
    """Note which site this one is a copy of, and take its trial credits back. Needs a transaction.

    It may have them: its dashboard may have been opened before Wix told us that it is a copy.
    """
    Site.objects.filter(pk=site.pk).update(origin_instance_id=origin)
    account = ledger.lock(site.pk)
    if trial := Credit.objects.filter(idempotency_key=_key(site)).first():
        key = f"{_key(site)}:back"
        ledger.adjust(account, -trial.amount, reason="no trial for a copy of a site", idempotency_key=key)


def _key(site: Site) -> str:
    return f"trial:{site.instance_id}"
