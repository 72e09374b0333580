"""Notices callers whose credential contradicts what we know of their site: then an event was lost, or misread.

We write a delivery of our own, at most one an hour for each site, and the worker that takes it asks Wix. The request itself is
answered by what we know.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from wix.models import Site, Subscription
from wix.webhooks import deliveries

EVENT = "InstanceSeen"
# By how much Wix's clock and ours may differ.
_CLOCK_SKEW = timedelta(minutes=5)


def is_back(site: Site, signed_at: datetime | None) -> bool:
    """Say whether a credential was signed well after its site removed the app: then the site has the app again."""
    return bool(site.removed_at and signed_at and signed_at > site.removed_at + _CLOCK_SKEW)


def compare(site: Site, signed_at: datetime | None, product_id: str | None = None) -> None:
    """Note a contradiction between a credential and what we know.

    `product_id` is what the site pays for, by the credential: empty if it is free, None if the credential doesn't say.
    """
    if is_back(site, signed_at) or (not site.removed_at and product_id is not None and _pays_for(site) != product_id):
        at = signed_at or timezone.now()
        deliveries.note(EVENT, site.instance_id, {"signedAt": at.isoformat()}, once=f"{timezone.now():%Y-%m-%dT%H}")


def _pays_for(site: Site) -> str:
    if site.pays_for is not None:
        return site.pays_for
    return Subscription.objects.filter(pk=site.pk).values_list("vendor_product_id", flat=True).first() or ""
