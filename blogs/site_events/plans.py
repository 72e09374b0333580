"""Events about a site's paid plan and its invoices. They only say when to look: what a site has is read from Wix."""

from __future__ import annotations

from uuid import UUID

from blogs.site_events import subscriptions
from blogs.site_events.coming_and_going import Unsettled, is_removed
from wix.billing import invoices
from wix.client.answers import NotConnected
from wix.client.app_instance import AppInstance
from wix.identity import sites
from wix.models import Site, WebhookDelivery
from workers.errors import TransientError

INVOICE = invoices.EVENT
PLAN_EVENTS = (
    "PaidPlanPurchased",
    "PaidPlanChanged",
    "PaidPlanAutoRenewalCancelled",
    "PlanConvertedToPaid",
    "PlanReactivated",
    "PlanTransferred",
)
# These say which plan a site has from now on.
_CLAIMS = tuple(event for event in PLAN_EVENTS if event != "PaidPlanAutoRenewalCancelled")
# What Wix answers may be older than what it has just told us, so it is asked again before its answer is believed.
_ASKED_AGAIN = 3


def changed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    """Carry the plan that Wix shows now. Raises Unsettled, a few times, while Wix shows another than the event tells of."""
    try:
        found, read_at = subscriptions.read(instance_id)
    except NotConnected:
        if is_removed(instance_id):
            return "the app was removed, and Wix gives no access"
        raise TransientError("wix_not_connected", "Wix gives no access, and hasn't said that it was removed.") from None
    if delivery.attempts <= _ASKED_AGAIN and not _agrees(delivery, found):
        raise Unsettled("Wix says that the site has another plan than this event tells of.")
    site = sites.seen(instance_id, subscriptions.origin_of(found))
    return subscriptions.carry(site, found, read_at=read_at, event_at=delivery.happened_at).message


def _agrees(delivery: WebhookDelivery, found: AppInstance) -> bool:
    """Whether what was read is what the event says. After a later event it need not be."""
    said = delivery.data.get("vendorProductId") if isinstance(delivery.data, dict) else None
    has = found.billing.product_id if found.billing and not found.is_free else None
    if delivery.event_type not in _CLAIMS or not said or said == has or delivery.happened_at is None:
        return True
    later = WebhookDelivery.objects.filter(
        instance_id=delivery.instance_id, event_type__in=PLAN_EVENTS, happened_at__gt=delivery.happened_at
    )
    return later.exists()


def invoice_updated(delivery: WebhookDelivery, instance_id: UUID) -> str:
    """Carry the plan as it is now, and take back the credits of an invoice that was refunded."""
    fields = delivery.data if isinstance(delivery.data, dict) else {}
    status, invoice_id = str(fields.get("status", "")), str(fields.get("invoiceId") or "")
    said = changed(delivery, instance_id)
    if status not in invoices.REFUNDS:
        return said
    site = Site.objects.filter(instance_id=instance_id).first()
    why = f"invoice {invoice_id} {status.lower()}"
    taken = invoices.take_back(site, invoice_id, at=delivery.received_at, why=why) if site else 0
    return f"{said}; {why}: {taken} credits taken back"
