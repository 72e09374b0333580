"""A caller whose credential contradicts what we know of its site: an event was lost, or misread. Then Wix is asked, by a delivery
that we write ourselves, at most once an hour a site. The request itself is answered by what we know."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from wix.models import Site, Subscription
from wix.webhooks import deliveries

EVENT = "InstanceSeen"
# Wix's clock and ours.
_CLOCK_SKEW = timedelta(minutes=5)


def is_back(site: Site, signed_at: datetime | None) -> bool:
    """Signed for a site well after it removed the app: so it has it again."""
    return bool(site.removed_at and signed_at and signed_at > site.removed_at + _CLOCK_SKEW)


def compare(site: Site, signed_at: datetime | None, product_id: str | None = None) -> None:
    """`product_id`: what the credential says that the site pays for; empty: it is free; None: it doesn't say."""
    if is_back(site, signed_at) or (not site.removed_at and product_id is not None and _pays_for(site) != product_id):
        at = signed_at or timezone.now()
        deliveries.note(EVENT, site.instance_id, {"signedAt": at.isoformat()}, once=f"{timezone.now():%Y-%m-%dT%H}")


def _pays_for(site: Site) -> str:
    return Subscription.objects.filter(pk=site.pk).values_list("vendor_product_id", flat=True).first() or ""
