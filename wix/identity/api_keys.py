"""API keys, for a shop's own server: `blog_<random>`, shown once, found by their SHA-256.

Plain SHA-256 is right here: a key has 256 random bits, so that it can't be guessed from its digest. A slow hash would only make
each request slow.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from wix.models import ApiKey, Site
from workers.database.clock import seconds_from_now

PREFIX = "blog_"
_FORM = re.compile(r"blog_[A-Za-z0-9_-]{43}")
_HINT = 12
_NOTED_EVERY_SECONDS = 3_600.0

# Where the row is locked, another request is writing the same: then this one skips it.
_USED = """
UPDATE wix_apikey SET last_used_at = clock_timestamp()
 WHERE id = (SELECT id FROM wix_apikey WHERE id = %s AND last_used_at IS NOT DISTINCT FROM %s FOR UPDATE SKIP LOCKED)
"""


def issue(site: Site, label: str, *, by: Any = None) -> tuple[ApiKey, str]:
    """Make a key; return its row and the key itself, which can't be read again."""
    key = PREFIX + secrets.token_urlsafe(32)
    made = ApiKey.objects.create(site=site, digest=_digest(key), hint=key[:_HINT], label=label, created_by=by)
    return made, key


def find(key: str) -> ApiKey | None:
    """Find a key's row, with its site; None for one that never was, or was revoked. Notes its use, once an hour."""
    if not _FORM.fullmatch(key):
        return None
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=seconds_from_now(-_NOTED_EVERY_SECONDS))
    rows = ApiKey.objects.select_related("site").filter(digest=_digest(key), revoked_at=None)
    found = rows.annotate(to_be_noted=ExpressionWrapper(long_ago, BooleanField())).first()
    if found and found.to_be_noted:
        with connection.cursor() as cursor:
            cursor.execute(_USED, [found.pk, found.last_used_at])
    return found


def revoke(key: ApiKey) -> bool:
    """Revoke a key; False where it was revoked before."""
    return ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()) > 0


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
