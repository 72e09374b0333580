"""How Wix fills a profile: by a worker, after the shop's first blog, and again after a blog that is done a day later or more.

Where the shop's catalog was read again meanwhile, an hour is enough: what it sells may be told by its products. What people have
set stays. What Wix says otherwise than before makes a version, which blogs get that are asked for from then on.

A worker takes a reading for some minutes by moving `due_at` on. If it is killed, the reading is due again then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from blogs.article import plain_text
from blogs.models import BlogGeneration, ProfileReading
from blogs.models import profile as bounds
from blogs.profiles import saving
from blogs.profiles.settings import FROM_WIX, newest
from wix import catalog
from wix.client.answers import NotConnected, WixRefused
from wix.client.site_properties import SiteProperties, site_properties
from wix.models import Site
from wix.writing_systems import shortened
from workers.context.on_behalf import Caller, on_behalf_of
from workers.context.process_memory import Latest, remembered
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.errors import PermanentError, WorkError

logger = logging.getLogger(__name__)

CHANNEL = "profile_is_wanted"
_SECONDS = 20.0
_TAKEN_SECONDS = 300
_AGAIN_SECONDS = 600.0
_ATTEMPTS_MAX = 8
# How many of a shop's products say what it sells, where its owner says nothing.
_EXAMPLES = 6

# When the process has last seen to it that a site is read, so that it need not ask for each of its blogs.
_wanted: Latest[int, float] = remembered(Latest(10_000))
_lock = threading.Lock()
_SEEN_TO_FOR_SECONDS = 600.0

_WANT = """
INSERT INTO blogs_profilereading AS known (site_id) VALUES (%s)
ON CONFLICT (site_id) DO UPDATE SET due_at = statement_timestamp(), attempts = 0
 WHERE known.due_at IS NULL
   AND (known.read_at < statement_timestamp() - interval '1 day'
        OR known.read_at < statement_timestamp() - interval '1 hour'
           AND known.read_at < (SELECT c.read_at FROM wix_site s JOIN wix_catalogue c ON c.instance_id = s.instance_id
                                 WHERE s.id = known.site_id))
"""
_TAKE = f"""
UPDATE blogs_profilereading
   SET due_at = clock_timestamp() + {_TAKEN_SECONDS} * interval '1 second', attempts = attempts + 1
 WHERE site_id = (SELECT site_id FROM blogs_profilereading WHERE due_at <= (SELECT clock_timestamp())
                   ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""


def after_a_blog(generation: BlogGeneration) -> None:
    """Have the profile of a blog's site read where that is due."""
    site_id, now = generation.site_id, time.monotonic()
    with _lock:
        is_seen_to = now - _wanted.get(site_id, float("-inf")) < _SEEN_TO_FOR_SECONDS
        if not is_seen_to:
            _wanted[site_id] = now
    if not is_seen_to:
        want(site_id)


def want(site_id: int) -> None:
    """Let a site be read for the first time, or again where the last time is long enough ago."""
    with connection.cursor() as cursor:
        cursor.execute(_WANT, [site_id])
        made = bool(cursor.rowcount)
    if made:
        wakeup.notify(CHANNEL)


def work_off(go_on: Callable[[], bool] = lambda: True) -> None:
    """Fill the profiles that are due, one after the other. A chore."""
    while go_on() and (reading := _take()):
        _carry_out(reading)


def _take() -> ProfileReading | None:
    with released_afterwards():
        return next(iter(ProfileReading.objects.raw(_TAKE)), None)


def _carry_out(reading: ProfileReading) -> None:
    site = Site.objects.get(pk=reading.site_id)
    if site.removed_at:
        _end(reading, "the app was removed")
        return
    try:
        with on_behalf_of(Caller(work=-site.pk, party=site.pk)):
            said = _asked(site)
    except PermanentError as error:
        _end(reading, error.message)
    except WorkError as error:
        _put_off(reading, error)
    else:
        known = newest(site.pk)
        if said is None and known and known.found:
            _end(reading, "Wix tells nothing any more; what it said before stays")
            return
        saving.find(site, found(site, said or SiteProperties(), known.found if known else {}))
        _end(reading, "read")


def _asked(site: Site) -> SiteProperties | None:
    """Ask Wix. None: it refuses to tell, so that what we know of the site anyway has to do."""
    try:
        return site_properties(str(site.instance_id), seconds=_SECONDS)
    except NotConnected:
        raise
    except WixRefused as refused:
        logger.info("site properties refused", extra={"action": "profile", "site": site.pk, "http": refused.status})
        return None


def found(site: Site, said: SiteProperties, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what Wix says, in the profile's words and bounds, without what it leaves open. `before`: what it said last."""
    brand = said.business_name or said.site_name or site.name
    sells = said.description or _examples(site, (before or {}).get("sells", ""))
    values = (_line(brand, bounds.BRAND_MAX), _line(sells, bounds.SELLS_MAX), _zone(said.time_zone))
    return {name: value for name, value in zip(FROM_WIX, values, strict=True) if value}


def _examples(site: Site, before: str) -> str:
    """Name some products. Those that were named before stay while half of them would be: each change makes a version."""
    names = catalog.examples(str(site.instance_id), _EXAMPLES)
    told, now = (_line(", ".join(each), bounds.SELLS_MAX).split(", ") for each in ([before], names))
    return before if before and 2 * len({*told} & {*now}) >= len(names) else ", ".join(names)


def _line(text: str, longest: int) -> str:
    return shortened(plain_text.one_line(plain_text.printable(text)), longest)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key if name else ""
    except (ValueError, OSError, KeyError):
        # Not a name, or none that is known here.
        return ""


def _put_off(reading: ProfileReading, error: WorkError) -> None:
    if reading.attempts >= _ATTEMPTS_MAX:
        _end(reading, f"given up: {error.message}")
        return
    later = max(_AGAIN_SECONDS, getattr(error, "retry_in", None) or 0.0)
    ProfileReading.objects.filter(pk=reading.pk).update(
        due_at=seconds_from_now(later), outcome=f"put off: {error.message}"[:200]
    )


def _end(reading: ProfileReading, outcome: str) -> None:
    ProfileReading.objects.filter(pk=reading.pk).update(due_at=None, read_at=ClockTimestamp(), outcome=outcome[:200])
