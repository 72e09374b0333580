"""What a credential is worth after it has let its caller in: for connections that stay open for hours.

A signed instance and a dashboard's token end at a time that they name. An API key may be revoked at any time, as a site may remove
the app. All open connections are looked at together, in one statement.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection
from rest_framework.request import Request

from wix.identity.auth import site_of
from wix.identity.signed_instance import end_of
from wix.identity.token_info import TokenInfo
from wix.models import ApiKey

_STILL_GOOD = """
SELECT true, id FROM wix_site WHERE id = ANY(%s::bigint[]) AND removed_at IS NULL
UNION ALL
SELECT false, id FROM wix_apikey
 WHERE id = ANY(%s::bigint[]) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who was let in, and by what. `ends_at`: the second since 1970 when the credential ends; None where it names no end."""

    site: int
    key: int | None = None
    ends_at: float | None = None


def standing_of(request: Request) -> Standing:
    """Return the standing of a caller whom the authentication has let in."""
    site, auth = site_of(request).pk, request.auth
    match auth:
        case ApiKey():
            return Standing(site, key=auth.pk)
        case TokenInfo():
            return Standing(site, ends_at=auth.expires_at)
        case Mapping():
            return Standing(site, ends_at=end_of(auth).timestamp())
    raise TypeError(f"no credential is a {type(auth).__name__}")


def lapsed(standings: Collection[Standing]) -> set[Standing]:
    """Return those that would be refused if they came now."""
    keys = [standing.key for standing in standings if standing.key is not None]
    with connection.cursor() as cursor:
        cursor.execute(_STILL_GOOD, [[standing.site for standing in standings], keys])
        good = set(cursor.fetchall())
    now = time.time()
    return {
        each
        for each in standings
        if (True, each.site) not in good
        or (each.key is not None and (False, each.key) not in good)
        or (each.ends_at is not None and each.ends_at <= now)
    }
