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
from django.utils.dateparse import parse_datetime

from blogs.models import UNFINISHED, BlogGeneration
from blogs.queue import lifecycle
from blogs.site_events import subscriptions
from credits import ledger
from wix import catalog
from wix.billing import allowances, invoices
from wix.client import access_tokens
from wix.client.app_instance import AppInstance, NotConnected
from wix.identity import sightings, sites
from wix.models import ApiKey, Site, Subscription, WebhookDelivery
from wix.webhooks import deliveries
from wix.webhooks.deliveries import Outcome, Status
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

# Those that say what a site has from now on.
_CLAIMS = tuple(event for event in PLAN_EVENTS if event != "PaidPlanAutoRenewalCancelled")

# As long as Wix sends an event again.
_RESENT_FOR = timedelta(hours=48)
# What Wix answers may be older than what it has just told us: it is asked again before that is believed.
_ASKED_AGAIN = 2
_PLAN_ASKED_AGAIN = 3
_SETTLED_AFTER = timedelta(minutes=11)
_CANCELLED_AT_ONCE = 100
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class Unsettled(TransientError):
    """Wix says one thing by its event and another when asked."""

    def __init__(self, message: str, *, retry_in: float = 0.0) -> None:
        super().__init__("unsettled", message)
        self.retry_in = retry_in


def work_off(go_on: Callable[[], bool] = lambda: True) -> int:
    """The worker's chore; it stops between two deliveries when it shouldn't `go_on`."""
    return deliveries.work_off(handle, go_on)


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
        return _installed_without_access(delivery, instance_id, removal)
    if removal and _is_unclear(delivery, removal) and _is_removed(instance_id):
        _wait_until_settled(delivery, since=_issued(removal))
    site = _connect_unless_removed(delivery, instance_id, found, removal)
    return f"installed; {subscriptions.carry(site, found, read_at=read_at).message}"


def _installed_without_access(delivery: WebhookDelivery, instance_id: UUID, removal: WebhookDelivery | None) -> str:
    if removal and (_is_unclear(delivery, removal) or delivery.attempts > _ASKED_AGAIN):
        said = _remove(instance_id, _newest(INSTALLED, instance_id))
        if _issued(removal) < _issued(delivery) and delivery.attempts <= _ASKED_AGAIN:
            raise Unsettled("It was removed, and perhaps installed again, but Wix gives no access.")
        return f"Wix gives no access; {said}"
    _connect_unless_removed(delivery, instance_id, None, removal)
    raise TransientError("wix_not_connected", "Installed; Wix gives no access yet.")


def _is_unclear(installed: WebhookDelivery, removal: WebhookDelivery) -> bool:
    """Which of them came last: a resend may have been signed anew."""
    return installed.received > 1 or _issued(removal) >= _issued(installed)


def _wait_until_settled(delivery: WebhookDelivery, *, since: datetime) -> None:
    """For some minutes after a removal Wix may still let us in."""
    if timezone.now() - since < _SETTLED_AFTER:
        raise Unsettled("Wix gives access; asked again.", retry_in=60.0 if delivery.attempts <= 1 else 600.0)


def _connect_unless_removed(
    delivery: WebhookDelivery, instance_id: UUID, found: AppInstance | None, removal: WebhookDelivery | None
) -> Site:
    """Raises TransientError where a removal has come meanwhile."""
    origin = _origin(delivery, found)
    with transaction.atomic():
        site = sites.seen(instance_id, origin)
        ledger.lock(site.pk)
        _require_the_newest(REMOVED, instance_id, removal)
        _connect(site, found, origin)
    return site


def _connect(site: Site, found: AppInstance | None, origin: UUID | None) -> None:
    """Back again, or new; what shop and staff have chosen stays."""
    if origin and site.origin_instance_id != origin:
        allowances.is_a_copy(site, origin)
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
    if installed and _issued(installed) > _issued(delivery) and installed.received == 1:
        return "installed again since"
    if installed and _issued(installed) >= _issued(delivery) - _RESENT_FOR and _is_connected(instance_id):
        if _issued(installed) <= _issued(delivery):
            _wait_until_settled(delivery, since=_issued(delivery))
        # Resends of this and of the reinstallation may have passed each other.
        return "installed again since, says Wix"
    return _remove(instance_id, installed)


def _remove(instance_id: UUID, installed: WebhookDelivery | None) -> str:
    """Raises TransientError where it was installed again meanwhile."""
    site = Site.objects.filter(instance_id=instance_id).first()
    if site is None:
        return "a site that we don't know"
    with transaction.atomic():
        ledger.lock(site.pk)
        _require_the_newest(INSTALLED, instance_id, installed)
        Site.objects.filter(pk=site.pk, removed_at=None).update(removed_at=timezone.now())
        Subscription.objects.filter(pk=site.pk).update(next_grant_at=None)
        ApiKey.objects.filter(site=site, revoked_at=None).update(revoked_at=timezone.now())
    cancelled = _cancel_all(site)
    access_tokens.forget(instance_id)
    return f"removed; {cancelled} blogs cancelled or asked to stop"


def _seen(delivery: WebhookDelivery, instance_id: UUID) -> str:
    """Its owner's page was signed after the removal that we know of, or for another plan than we know of."""
    removal = _newest(REMOVED, instance_id)
    try:
        found, read_at = subscriptions.read(instance_id)
    except NotConnected:
        return "Wix gives no access"
    site = sites.seen(instance_id, subscriptions.origin_of(found))
    if sightings.is_back(site, parse_datetime(delivery.data["signedAt"])):
        site = _connect_unless_removed(delivery, instance_id, found, removal)
    return f"seen; {subscriptions.carry(site, found, read_at=read_at).message}"


def _require_the_newest(event_type: str, instance_id: UUID, known: WebhookDelivery | None) -> None:
    newest = _newest(event_type, instance_id)
    if newest and (known is None or _issued(newest) != _issued(known)):
        raise TransientError("overtaken", f"{event_type} came while we asked Wix about it.")


def _cancel_all(site: Site) -> int:
    """Again until nothing is found behind the account's lock: a request that was let in just before the removal holds it."""
    cancelled = 0
    while some := _cancel_open(site):
        cancelled += some
    with transaction.atomic():
        ledger.lock(site.pk)
    return cancelled + _cancel_open(site)


def _cancel_open(site: Site) -> int:
    """What waits is cancelled, what runs asked to stop: each in a transaction of its own, so that whoever is killed here has done a
    part, and whoever comes next does the rest."""
    open_blogs = BlogGeneration.objects.filter(
        site=site, status__in=UNFINISHED, cancel_requested_at=None, draft_post_id=None
    ).order_by("pk")
    cancelled, last = 0, 0
    while ids := list(open_blogs.filter(pk__gt=last).values_list("pk", flat=True)[:_CANCELLED_AT_ONCE]):
        cancelled += sum(_cancel(blog_id) for blog_id in ids)
        last = ids[-1]
    return cancelled


def _cancel(blog_id: int) -> bool:
    try:
        lifecycle.cancel(blog_id, by="app removed")
    except lifecycle.WrongState:
        # It has just finished.
        return False
    return True


def _is_removed(instance_id: UUID) -> bool:
    return Site.objects.filter(instance_id=instance_id, removed_at__isnull=False).exists()


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


def _newest(event_type: str, instance_id: UUID) -> WebhookDelivery | None:
    """What Wix signed last, worked on or not."""
    of_this = WebhookDelivery.objects.filter(event_type=event_type, instance_id=instance_id, issued_at__isnull=False)
    return of_this.order_by("-issued_at").first()


def _issued(delivery: WebhookDelivery) -> datetime:
    return delivery.issued_at or delivery.received_at


# --- Plans and invoices -----------------------------------------------------------------------------------------------


def _plan_changed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    try:
        found, read_at = subscriptions.read(instance_id)
    except NotConnected:
        if _is_removed(instance_id):
            return "the app was removed, and Wix gives no access"
        raise TransientError("wix_not_connected", "Wix gives no access, and hasn't said that it was removed.") from None
    if delivery.attempts <= _PLAN_ASKED_AGAIN and not _agrees(delivery, found):
        raise Unsettled("Wix says that the site has another plan than this event tells of.")
    site = sites.seen(instance_id, subscriptions.origin_of(found))
    return subscriptions.carry(site, found, read_at=read_at, event_at=delivery.happened_at).message


def _agrees(delivery: WebhookDelivery, found: AppInstance) -> bool:
    """What was read with the event: unless another came after that, it should."""
    said = delivery.data.get("vendorProductId") if isinstance(delivery.data, dict) else None
    has = found.billing.product_id if found.billing and not found.is_free else None
    if delivery.event_type not in _CLAIMS or not said or said == has or delivery.happened_at is None:
        return True
    later = WebhookDelivery.objects.filter(
        instance_id=delivery.instance_id, event_type__in=PLAN_EVENTS, happened_at__gt=delivery.happened_at
    )
    return later.exists()


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
    sightings.EVENT: _seen,
    **dict.fromkeys(PLAN_EVENTS, _plan_changed),
    **dict.fromkeys(catalog.CHANGES, _products_changed),
}
