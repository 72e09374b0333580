"""A site installs the app, removes it, or is seen again after a removal; and what that means for its blogs, keys and months.

Deliveries come in any order, and a resend may have been signed later than what it repeats. So an event is believed only where no
newer one contradicts it; where the events leave open which came last, Wix is asked, and asked again some minutes later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from blogs.models import UNFINISHED, BlogGeneration
from blogs.outgoing import outbox
from blogs.queue import lifecycle
from blogs.site_events import subscriptions
from credits import ledger
from credits.models import CreditAccount
from wix import languages
from wix.billing import trial
from wix.client import access_tokens
from wix.client.answers import NotConnected
from wix.client.app_instance import AppInstance
from wix.client.fields import moment, uuid_or_none
from wix.identity import sightings, sites
from wix.models import ApiKey, Site, Subscription, WebhookDelivery
from wix.writing_systems import shortened
from workers.errors import TransientError

INSTALLED, REMOVED = "AppInstalled", "AppRemoved"

# Wix sends an event again for this long.
_RESENT_FOR = timedelta(hours=48)
# What Wix answers may be older than what it has just told us, so it is asked again before its answer is believed.
_ASKED_AGAIN = 2
_SETTLED_AFTER = timedelta(minutes=11)
_CANCELLED_AT_ONCE = 100


class Unsettled(TransientError):
    """Wix says one thing by its event and another when it is asked."""

    def __init__(self, message: str, *, retry_in: float = 0.0) -> None:
        super().__init__("unsettled", message)
        self.retry_in = retry_in


def installed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    """Handle an installation: make or revive the site and carry its plan, unless it was removed since."""
    removal = _newest(REMOVED, instance_id)
    access_tokens.forget(instance_id)
    try:
        found, read_at = subscriptions.read(instance_id)
    except NotConnected:
        return _installed_without_access(delivery, instance_id, removal)
    if removal and _is_unclear(delivery, removal) and is_removed(instance_id):
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


def _is_unclear(installation: WebhookDelivery, removal: WebhookDelivery) -> bool:
    """Whether the events leave open which of them came last: a resend may have been signed later than what it repeats."""
    return installation.received > 1 or _issued(removal) >= _issued(installation)


def _wait_until_settled(delivery: WebhookDelivery, *, since: datetime) -> None:
    """Raise Unsettled for some minutes after a removal: Wix may still give access."""
    if timezone.now() - since < _SETTLED_AFTER:
        raise Unsettled("Wix gives access; asked again.", retry_in=60.0 if delivery.attempts <= 1 else 600.0)


def _connect_unless_removed(
    delivery: WebhookDelivery, instance_id: UUID, found: AppInstance | None, removal: WebhookDelivery | None
) -> Site:
    """Make or revive the site. Raises TransientError if another removal has come meanwhile."""
    origin = _origin(delivery, found)
    with transaction.atomic():
        site = sites.seen(instance_id, origin)
        ledger.lock(site.pk)
        _require_the_newest(REMOVED, instance_id, removal)
        _connect(site, found, origin)
    return site


def _connect(site: Site, found: AppInstance | None, origin: UUID | None) -> None:
    """Write what Wix says of a site that is new or back. What shop and staff have chosen stays."""
    if origin and site.origin_instance_id != origin:
        trial.mark_copy(site, origin)
    columns: dict[str, object] = {"removed_at": None}
    if found:
        columns |= _described(site, found)
    Site.objects.filter(pk=site.pk).update(**columns)


def _described(site: Site, found: AppInstance) -> dict[str, object]:
    columns: dict[str, object] = {}
    if found.site_name:
        columns["name"] = shortened(found.site_name, 200)
    if found.site_url.startswith(("https://", "http://")) and len(found.site_url) <= 500:
        columns["url"] = found.site_url
    if len(found.currency) == 3:
        columns["currency"] = found.currency
    if not site.language and languages.TAG.fullmatch(locale := languages.normalised(found.locale)):
        columns["language"] = locale
    return columns


def removed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    """Handle a removal: revoke the site's keys, stop its months and cancel its blogs, unless it was installed again since."""
    # A token from before might still be good, and the app would look installed.
    access_tokens.forget(instance_id)
    installation = _newest(INSTALLED, instance_id)
    if installation and _issued(installation) > _issued(delivery) and installation.received == 1:
        return "installed again since"
    if installation and _issued(installation) >= _issued(delivery) - _RESENT_FOR and _is_connected(instance_id):
        if _issued(installation) <= _issued(delivery):
            _wait_until_settled(delivery, since=_issued(delivery))
        # A resend of this event and one of the reinstallation may have passed each other.
        return "installed again since, says Wix"
    return _remove(instance_id, installation)


def _remove(instance_id: UUID, installation: WebhookDelivery | None) -> str:
    """End what the site has with us. Raises TransientError if it was installed again meanwhile."""
    site = Site.objects.filter(instance_id=instance_id).first()
    if site is None:
        return "a site that we don't know"
    with transaction.atomic():
        account = ledger.lock(site.pk)
        _require_the_newest(INSTALLED, instance_id, installation)
        disconnect(site, account)
    cancelled = cancel_all(site)
    access_tokens.forget(instance_id)
    return f"removed; {cancelled} blogs cancelled or asked to stop"


def disconnect(site: Site, account: CreditAccount) -> None:
    """Refuse the site from now on, with its account locked: a request that waits for the account is refused too."""
    if Site.objects.filter(pk=site.pk, removed_at=None).update(removed_at=timezone.now()):
        outbox.tell(site.pk, outbox.SITE_DISCONNECTED)
    ledger.close(account)
    Subscription.objects.filter(pk=site.pk).update(next_grant_at=None)
    ApiKey.objects.filter(site=site, revoked_at=None).update(revoked_at=timezone.now())


def seen(delivery: WebhookDelivery, instance_id: UUID) -> str:
    """Handle an owner's page that was signed after the removal that we know of, or for another plan than we know of."""
    removal = _newest(REMOVED, instance_id)
    try:
        found, read_at = subscriptions.read(instance_id)
    except NotConnected:
        return "Wix gives no access"
    site = sites.seen(instance_id, subscriptions.origin_of(found))
    if sightings.is_back(site, moment(delivery.data["signedAt"])):
        site = _connect_unless_removed(delivery, instance_id, found, removal)
    return f"seen; {subscriptions.carry(site, found, read_at=read_at).message}"


def _require_the_newest(event_type: str, instance_id: UUID, known: WebhookDelivery | None) -> None:
    newest = _newest(event_type, instance_id)
    if newest and (known is None or _issued(newest) != _issued(known)):
        raise TransientError("overtaken", f"{event_type} came while we asked Wix about it.")


def cancel_all(site: Site) -> int:
    """Cancel a removed site's open blogs, and return how many.

    A request that was let in just before the removal holds the account's lock until its blog is there. So it looks once more behind
    that lock.
    """
    cancelled = 0
    while some := _cancel_open(site):
        cancelled += some
    with transaction.atomic():
        ledger.lock(site.pk)
    return cancelled + _cancel_open(site)


def _cancel_open(site: Site) -> int:
    """Cancel what waits and ask what runs to stop, each blog in a transaction of its own.

    So a worker that is killed here has done a part, and the next one does the rest.
    """
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
        # The blog has just finished.
        return False
    return True


def is_removed(instance_id: UUID) -> bool:
    return Site.objects.filter(instance_id=instance_id, removed_at__isnull=False).exists()


def _is_connected(instance_id: UUID) -> bool:
    try:
        subscriptions.read(instance_id)
    except NotConnected:
        return False
    return True


def _origin(delivery: WebhookDelivery, found: AppInstance | None) -> UUID | None:
    said = delivery.data.get("originInstanceId") if isinstance(delivery.data, dict) else None
    if said:
        return uuid_or_none(said)
    return subscriptions.origin_of(found) if found else None


def _newest(event_type: str, instance_id: UUID) -> WebhookDelivery | None:
    """Return the event of this type that Wix signed last, whether it was worked on or not."""
    of_this = WebhookDelivery.objects.filter(event_type=event_type, instance_id=instance_id, issued_at__isnull=False)
    return of_this.order_by("-issued_at").first()


def _issued(delivery: WebhookDelivery) -> datetime:
    return delivery.issued_at or delivery.received_at
