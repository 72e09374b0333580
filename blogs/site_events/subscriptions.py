"""A site's paid plan: reads it from Wix, carries it to the site's credits and line, and grants each month's credits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from blogs.queue import lines
from wix.billing import allowances
from wix.billing.allowances import Applied
from wix.client import app_instance
from wix.client.answers import NotConnected
from wix.client.app_instance import AppInstance
from wix.client.fields import uuid_or_none
from wix.identity import sites
from wix.models import Plan, Site, Subscription
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.errors import PermanentError, WorkError

logger = logging.getLogger(__name__)

READ_SECONDS = 30.0
# A process takes a site for this long. After that another one may try, in case this one was killed or Wix gave no answer.
_TAKEN_SECONDS = 600
_LOOK_TOMORROW_SECONDS = 24 * 3600


def read(instance_id: UUID) -> tuple[AppInstance, datetime]:
    """Return what Wix says now, and when we began to ask. Raises NotConnected, RateLimited, TransientError."""
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        began_at: datetime = cursor.fetchone()[0]
    return app_instance.app_instance(str(instance_id), seconds=READ_SECONDS), began_at


def refresh(instance_id: UUID, *, event_at: datetime | None = None) -> Applied:
    """Read the app's instance from Wix and carry what it says. Raises as `read` does."""
    found, read_at = read(instance_id)
    site = sites.seen(instance_id, origin_of(found))
    return carry(site, found, read_at=read_at, event_at=event_at)


def carry(site: Site, found: AppInstance, *, read_at: datetime, event_at: datetime | None = None) -> Applied:
    """Write what was read to the site's plan, credits and line, in one transaction: a crash leaves no plan without its weight."""
    with transaction.atomic():
        applied = allowances.apply(site, found, read_at=read_at, event_at=event_at)
        if terms := applied.terms:
            lines.set_terms(lines.lock(site.pk), weight=terms.weight, waiting_max=terms.open_blogs_max)
    return applied


def origin_of(found: AppInstance) -> UUID | None:
    return uuid_or_none(found.origin_instance_id)


def plan_changed(plan: Plan) -> int:
    """Give an edited plan's weight and cap to the sites that have it. They get more credits when their plan is read next."""
    subscribers = Subscription.objects.filter(plan=plan).values("pk")
    weight: int = plan.weight
    return lines.set_terms_of(subscribers, weight=weight, waiting_max=plan.open_blogs_max)


# --- Each month -------------------------------------------------------------------------------------------------------


class Due(NamedTuple):
    site_id: int
    instance_id: UUID
    product_id: str


_DUE = """
  FROM wix_subscription JOIN wix_site ON wix_site.id = wix_subscription.site_id
 WHERE next_grant_at <= (SELECT clock_timestamp()) AND removed_at IS NULL ORDER BY next_grant_at
"""
_TAKE = f"""
UPDATE wix_subscription taken SET next_grant_at = clock_timestamp() + {_TAKEN_SECONDS} * interval '1 second'
 WHERE site_id = (SELECT wix_subscription.site_id {_DUE} LIMIT 1 FOR UPDATE OF wix_subscription SKIP LOCKED)
RETURNING site_id, (SELECT instance_id FROM wix_site WHERE id = taken.site_id), vendor_product_id
"""


def grant_due(say: Callable[[str], object] = logger.info) -> int:
    """Grant the credits of each paid month that has begun; return how many sites got some. Any number of processes may do it."""
    _remember_new_plans()
    granted = 0
    while due := _take():
        granted += _grant(due, say)
    return granted


def due_now() -> list[Due]:
    """Return the sites that `grant_due` would ask Wix about."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT wix_subscription.site_id, instance_id, vendor_product_id {_DUE}")
        return [Due(*row) for row in cursor.fetchall()]


def _take() -> Due | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE)
        row = cursor.fetchone()
    return Due(*row) if row else None


def _grant(due: Due, say: Callable[[str], object]) -> bool:
    try:
        applied = refresh(due.instance_id)
    except NotConnected:
        # Wix told us of no removal. If the plan has ended, there is nothing to grant; if it goes on, it is found tomorrow.
        return _later(due, "not connected; asked again tomorrow", _LOOK_TOMORROW_SECONDS, say)
    except PermanentError as error:
        return _later(due, f"{error.code}: {error.message}", _LOOK_TOMORROW_SECONDS, say)
    except WorkError as error:
        return _later(due, f"put off: {error.message}", _TAKEN_SECONDS, say)
    say(f"site {due.site_id}: {applied.message}")
    return applied.granted > 0


def _later(due: Due, why: str, seconds: float, say: Callable[[str], object]) -> bool:
    Subscription.objects.filter(pk=due.site_id).update(next_grant_at=seconds_from_now(seconds))
    say(f"site {due.site_id}: {why}")
    return False


def _remember_new_plans() -> None:
    """Make sites due at once that pay for a plan which our list lacked until now."""
    waiting = Subscription.objects.filter(plan=None).exclude(vendor_product_id="")
    known = Plan.objects.values("vendor_product_id")
    waiting.filter(vendor_product_id__in=known).update(next_grant_at=ClockTimestamp())
