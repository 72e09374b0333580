"""What each of Wix's events does. A door: it may call any room.

A handler may run twice, be killed between any two of its steps, and run while another handles the same instance's event;
deliveries come in any order. So it looks at how things are, and makes ours the same: what an event says is believed only where
nothing newer says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from blogs import lifecycle
from blogs.models import UNFINISHED, BlogGeneration
from credits import ledger
from wix import access_tokens, billing, catalog, deliveries, invoices, sites, subscriptions
from wix.app_instance import AppInstance, NotConnected
from wix.deliveries import Outcome, Status
from wix.models import Site, WebhookDelivery
from workers.errors import TransientError

INSTALLED, REMOVED, INVOICE = "AppInstalled", "AppRemoved", invoices.EVENT
PLAN_EVENTS = (
    "PaidPlanPurchased",
    "PaidPlanChanged",
    "PaidPlanAutoRenewalCancelled",
    "PlanConvertedToPaid",
    "PlanReactivated",
    "PlanTransferred",
)

# As long as Wix sends an event again.
_RESENT_FOR = timedelta(hours=48)
_CANCELLED_AT_ONCE = 100
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def work_off() -> int:
    """The worker's chore."""
    return deliveries.work_off(handle)


def handle(delivery: WebhookDelivery) -> Outcome:
    handler = HANDLERS.get(delivery.event_type)
    if handler is None:
        return Outcome(Status.IGNORED, "nothing to do for this type")
    if delivery.instance_id is None:
        return Outcome(Status.IGNORED, "it names no instance")
    return Outcome(Status.DONE, handler(delivery, delivery.instance_id))


# --- Coming and going -------------------------------------------------------------------------------------------------


def _installed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    removal = _newest(REMOVED, instance_id)
    access_tokens.forget(instance_id)
    try:
        found, read_at = subscriptions.read(instance_id)
    except NotConnected:
        found, read_at = None, timezone.now()
    is_doubtful = delivery.received > 1 or (removal is not None and removal >= _issued(delivery))
    if found is None and is_doubtful and removal:
        return "the app was removed since, and Wix gives no access"
    origin = _origin(delivery, found)
    with transaction.atomic():
        site = sites.seen(instance_id, origin)
        ledger.lock(site.pk)
        if _newest(REMOVED, instance_id) != removal:
            raise TransientError("overtaken", "The app was removed while we asked Wix about it.")
        _connect(site, found, origin)
    if found is None:
        return "installed; Wix gives no access yet"
    return f"installed; {subscriptions.carry(site, found, read_at=read_at).message}"


def _connect(site: Site, found: AppInstance | None, origin: UUID | None) -> None:
    """Back again, or new; what shop and staff have chosen stays."""
    if origin and site.origin_instance_id != origin:
        billing.is_a_copy(site, origin)
    columns: dict[str, object] = {"removed_at": None}
    if found:
        columns |= _described(site, found)
    Site.objects.filter(pk=site.pk).update(**columns)


def _described(site: Site, found: AppInstance) -> dict[str, object]:
    columns: dict[str, object] = {}
    if found.site_name:
        columns["name"] = found.site_name[:200]
    if found.site_url.startswith(("https://", "http://")) and len(found.site_url) <= 500:
        columns["url"] = found.site_url
    if len(found.currency) == 3:
        columns["currency"] = found.currency
    if not site.language and _LANGUAGE.fullmatch(found.locale):
        columns["language"] = found.locale
    return columns


def _removed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    # Or a token from before would still open the door, and the app look installed.
    access_tokens.forget(instance_id)
    installed = _newest(INSTALLED, instance_id)
    if installed and installed > _issued(delivery):
        return "installed again since"
    if installed and installed >= _issued(delivery) - _RESENT_FOR and _is_connected(instance_id):
        # Resends of this and of the reinstallation may have passed each other.
        return "installed again since, says Wix"
    site = Site.objects.filter(instance_id=instance_id).first()
    if site is None:
        return "a site that we don't know"
    with transaction.atomic():
        ledger.lock(site.pk)
        if _newest(INSTALLED, instance_id) != installed:
            raise TransientError("overtaken", "The app was installed again while we worked on its removal.")
        Site.objects.filter(pk=site.pk, removed_at=None).update(removed_at=timezone.now())
    cancelled = _cancel_all(site)
    access_tokens.forget(instance_id)
    return f"removed; {cancelled} blogs cancelled or asked to stop"


def _cancel_all(site: Site) -> int:
    """What waits is cancelled, what runs asked to stop: each in a transaction of its own, so that whoever is killed here has done a
    part, and whoever comes next does the rest."""
    open_blogs = BlogGeneration.objects.filter(
        site=site, status__in=UNFINISHED, cancel_requested_at=None, draft_post_id=None
    ).order_by("pk")
    cancelled, last = 0, 0
    while ids := list(open_blogs.filter(pk__gt=last).values_list("pk", flat=True)[:_CANCELLED_AT_ONCE]):
        for blog_id in ids:
            cancelled += _cancel(blog_id)
        last = ids[-1]
    return cancelled


def _cancel(blog_id: int) -> bool:
    try:
        lifecycle.cancel(blog_id, by="app removed")
    except lifecycle.WrongState:
        # It has just finished.
        return False
    return True


def _is_connected(instance_id: UUID) -> bool:
    try:
        subscriptions.read(instance_id)
    except NotConnected:
        return False
    return True


def _origin(delivery: WebhookDelivery, found: AppInstance | None) -> UUID | None:
    said = delivery.data.get("originInstanceId") if isinstance(delivery.data, dict) else None
    try:
        if said:
            return UUID(said)
        return subscriptions.origin_of(found) if found else None
    except (ValueError, TypeError, AttributeError):
        return None


def _newest(event_type: str, instance_id: UUID) -> datetime | None:
    """When Wix last signed such an event, worked on or not."""
    of_this = WebhookDelivery.objects.filter(event_type=event_type, instance_id=instance_id, issued_at__isnull=False)
    return of_this.order_by("-issued_at").values_list("issued_at", flat=True).first()


def _issued(delivery: WebhookDelivery) -> datetime:
    return delivery.issued_at or delivery.received_at


# --- Plans and invoices -----------------------------------------------------------------------------------------------


def _plan_changed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    try:
        return subscriptions.refresh(instance_id, event_at=delivery.happened_at).message
    except NotConnected:
        return "Wix gives no access to this site"


def _invoice_updated(delivery: WebhookDelivery, instance_id: UUID) -> str:
    fields = delivery.data if isinstance(delivery.data, dict) else {}
    status, invoice_id = str(fields.get("status", "")), str(fields.get("invoiceId") or "")
    said = _plan_changed(delivery, instance_id)
    if status not in invoices.REFUNDS:
        return said
    site = Site.objects.filter(instance_id=instance_id).first()
    why = f"invoice {invoice_id} {status.lower()}"
    taken = invoices.take_back(site, invoice_id, at=delivery.received_at, why=why) if site else 0
    return f"{said}; {why}: {taken} credits taken back"


# --- Products ---------------------------------------------------------------------------------------------------------


def _products_changed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    return "its catalogue is to be read anew" if catalog.refresh(instance_id) else "it is to be read anew already"


Handler = Callable[[WebhookDelivery, UUID], str]
HANDLERS: Mapping[str, Handler] = {
    INSTALLED: _installed,
    REMOVED: _removed,
    INVOICE: _invoice_updated,
    **dict.fromkeys(PLAN_EVENTS, _plan_changed),
    **dict.fromkeys(catalog.CHANGES, _products_changed),
}
