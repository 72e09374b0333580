"""Endpoints of a site: made, changed, switched and rotated, by the shop or by staff; messages that are asked for by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import outbox, signing
from wix.models import Site
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.outbound import strangers
from workers.outbound.strangers import Rules

Off = WebhookEndpoint.Off
State = WebhookMessage.State

CHANNEL = "webhook_to_send"
ENDPOINTS_MAX = 10
# Both secrets sign for this long after a rotation.
OVERLAP_SECONDS = 24 * 3_600.0
# Of one endpoint, by hand: its own messages wait behind them.
_TESTS_WAITING_MAX = 10


class NotNow(Exception):
    """The endpoint does not allow it as it is; str() says why, for a person."""


@dataclass(frozen=True, slots=True)
class Made:
    endpoint: WebhookEndpoint
    secret: str
    """Shown once."""


def rules() -> Rules:
    return Rules(tuple(settings.OUTGOING_WEBHOOK_PORTS), settings.OUTGOING_WEBHOOK_LOOPBACK)


def require_public(url: str) -> None:
    """Raise strangers.Refused for an address to which nothing is ever sent. Where its name leads is seen at each sending."""
    strangers.target(url, rules())


def of_site(site: Site) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(site=site).exclude(off_why=Off.DELETED)


def make(site: Site, *, url: str, events: list[str], description: str = "") -> Made:
    """Make an endpoint. Raises NotNow where the site has as many as it may."""
    secret = signing.new_secret()
    with transaction.atomic():
        Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        if of_site(site).count() >= ENDPOINTS_MAX:
            raise NotNow(f"A site may have {ENDPOINTS_MAX} webhook endpoints; delete one first.")
        endpoint = WebhookEndpoint.objects.create(
            site=site, url=url, events=events, description=description, sealed_secret=signing.seal(secret)
        )
        transaction.on_commit(partial(wakeup.notify, CHANNEL))
    endpoint.refresh_from_db()
    return Made(endpoint, secret)


def rotate(endpoint: WebhookEndpoint) -> str:
    """Give it a new secret and return it. The old one also signs for a day, so that the receiver can change over."""
    secret = signing.new_secret()
    with transaction.atomic():
        locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            sealed_secret=signing.seal(secret),
            sealed_old_secret=locked.sealed_secret,
            old_secret_until=seconds_from_now(OVERLAP_SECONDS),
        )
    return secret


def switch_off(endpoint: WebhookEndpoint, why: Off) -> bool:
    """Send nothing more to it, and drop what waits. False: it was off already; only deleting still changes something."""
    with transaction.atomic():
        which = WebhookEndpoint.objects.filter(pk=endpoint.pk).exclude(off_why=Off.DELETED)
        if why != Off.DELETED:
            which = which.filter(off_at=None)
        if not which.update(off_at=ClockTimestamp(), off_why=why):
            return False
        waiting = WebhookMessage.objects.filter(endpoint=endpoint, due_at__isnull=False)
        waiting.update(state=State.DROPPED, due_at=None)
        if why in (Off.GONE, Off.FAILING):
            outbox.tell(endpoint.site_id, outbox.WEBHOOK_DISABLED, code=why)
    return True


def switch_on(endpoint: WebhookEndpoint, *, by_staff: bool = False) -> bool:
    """Let it be told again what happens from now on. False: it was on already. Raises NotNow where only staff may do it."""
    if not by_staff and WebhookEndpoint.objects.filter(pk=endpoint.pk, off_why=Off.STAFF).exists():
        raise NotNow("Support has switched this endpoint off; ask support.")
    clean = {"failures": 0, "failing_since": None, "rests_until": None, "slow_until": None, "credits_low_at": None}
    off = WebhookEndpoint.objects.filter(pk=endpoint.pk, off_at__isnull=False).exclude(off_why=Off.DELETED)
    is_on = off.update(off_at=None, off_why="", **clean) > 0
    if is_on:
        transaction.on_commit(partial(wakeup.notify, CHANNEL))
    return is_on


def send_test(endpoint: WebhookEndpoint) -> WebhookMessage:
    """Have a test message sent. Raises NotNow."""
    _require_on(endpoint)
    waiting = WebhookMessage.objects.filter(endpoint=endpoint, due_at__isnull=False, type=outbox.TEST)
    if waiting[:_TESTS_WAITING_MAX].count() >= _TESTS_WAITING_MAX:
        raise NotNow(f"{_TESTS_WAITING_MAX} test messages wait already.")
    message = WebhookMessage.objects.create(endpoint=endpoint, type=outbox.TEST, due_at=ClockTimestamp())
    transaction.on_commit(partial(wakeup.notify, CHANNEL))
    message.refresh_from_db()
    return message


def send_again(endpoint: WebhookEndpoint, chosen: QuerySet[WebhookMessage]) -> int:
    """Have messages that are over sent once more, each with its `webhook-id` and its body; return how many. Raises NotNow."""
    _require_on(endpoint)
    over = chosen.filter(endpoint=endpoint, due_at=None)
    again = over.update(state=State.WAITING, due_at=ClockTimestamp(), attempts=0)
    transaction.on_commit(partial(wakeup.notify, CHANNEL))
    return again


def _require_on(endpoint: WebhookEndpoint) -> None:
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, off_at=None).exists():
        raise NotNow("The endpoint is off; switch it on first.")
