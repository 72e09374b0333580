"""API keys, for a shop's own server: `blog_<random>`, shown once, found by their SHA-256.

Plain SHA-256 is right here: a key has 256 random bits, so that it can't be guessed from its digest. A slow hash would only make
each request slow.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Least, Now

from wix.models import ApiKey, Site
from workers.database.clock import ClockTimestamp, seconds_from_now

PREFIX = "blog_"
_FORM = re.compile(r"blog_[A-Za-z0-9_-]{43}")
_HINT = 12
_NOTED_EVERY_SECONDS = 3_600.0
_DAY_SECONDS = 24 * 3_600.0
KEYS_MAX = 20
DAYS_MAX = 3_650

# Where the row is locked, another request is writing the same: then this one skips it.
_USED = """
UPDATE wix_apikey SET last_used_at = clock_timestamp()
 WHERE id = (SELECT id FROM wix_apikey WHERE id = %s AND last_used_at IS NOT DISTINCT FROM %s FOR UPDATE SKIP LOCKED)
"""


class IsRotated(Exception):
    """Another key has this one's place already, and this one only goes on for the change."""


class TooManyKeys(Exception):
    """The site has as many usable keys as a site may have."""


def usable(site: Site) -> QuerySet[ApiKey]:
    """The keys that let the site in now, newest first."""
    return site.api_keys.filter(_valid(), revoked_at=None).order_by("-id")


def issue(site: Site, label: str, *, by: Any = None, days: int | None = None) -> tuple[ApiKey, str]:
    """Make a key that is valid for `days`, or until it is revoked. Raises TooManyKeys.

    Returns its row and the key itself, which can't be read again.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        _require_room(site.pk, KEYS_MAX)
        made = ApiKey.objects.create(
            site=site,
            digest=_digest(key),
            hint=key[:_HINT],
            label=label,
            created_by=by,
            expires_at=None if days is None else seconds_from_now(days * _DAY_SECONDS),
        )
    made.refresh_from_db()
    return made, key


def rotate(old: ApiKey, *, overlap_hours: int) -> tuple[ApiKey, str] | None:
    """Make a key in place of an old one, which stays valid for at most `overlap_hours`, so that a server can change over.

    The new one has the old one's label, and is valid for as long as that one was when it was made. One more key than a site may
    have is allowed for the change. None: the old one is of no use any more. Raises TooManyKeys, and IsRotated: a key makes
    place once, since afterwards its row no longer tells how long it was to last.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        _require_room(old.site_id, KEYS_MAX + 1)
        locked = ApiKey.objects.select_for_update().filter(_valid(), pk=old.pk, revoked_at=None).first()
        if locked is None:
            return None
        if locked.rotated_at is not None:
            raise IsRotated
        lasts = None if locked.expires_at is None else locked.expires_at - locked.created_at
        made = ApiKey.objects.create(
            site_id=locked.site_id,
            digest=_digest(key),
            hint=key[:_HINT],
            label=locked.label,
            expires_at=None if lasts is None else seconds_from_now(lasts.total_seconds()),
        )
        # The sooner of both: LEAST of PostgreSQL passes over a null.
        ends = Least(F("expires_at"), seconds_from_now(overlap_hours * 3_600.0))
        ApiKey.objects.filter(pk=locked.pk).update(expires_at=ends, rotated_at=Now())
    made.refresh_from_db()
    return made, key


def find(key: str) -> ApiKey | None:
    """Find a key's row, with its site; None for one that never was, has expired or was revoked. Notes its use, once an hour."""
    if not _FORM.fullmatch(key):
        return None
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=seconds_from_now(-_NOTED_EVERY_SECONDS))
    rows = ApiKey.objects.select_related("site").filter(_valid(), digest=_digest(key), revoked_at=None)
    found = rows.annotate(to_be_noted=ExpressionWrapper(long_ago, BooleanField())).first()
    if found and found.to_be_noted:
        with connection.cursor() as cursor:
            cursor.execute(_USED, [found.pk, found.last_used_at])
    return found


def revoke(key: ApiKey) -> bool:
    """Revoke a key; False where it was revoked before."""
    return ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()) > 0


def _require_room(site_id: int, most: int) -> None:
    """Lock the site's row, so that two requests don't both make the last key that fits."""
    site = Site.objects.select_for_update(no_key=True).get(pk=site_id)
    if usable(site).count() >= most:
        raise TooManyKeys(f"A site may have {KEYS_MAX} API keys; revoke one first.")


def _valid() -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=ClockTimestamp())


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
