"""What can be seen of Wix's access token without Wix: enough to refuse a false one, and never to believe one.

A token is `OauthNG.JWS.` and a JWT, signed with a key that only Wix has. Its sender may have written all that it says, so nothing
in it is believed. But Wix would refuse a token that says itself that it has ended, or that it is for another app: so do we.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from typing import Any

from django.conf import settings

from wix.client.fields import number, object_in

PREFIX = "OauthNG.JWS."
_FORM = re.compile(r"OauthNG\.JWS\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_MAX_LENGTH = 8_000
# By how much Wix's clock and ours may differ.
_CLOCK_SKEW_SECONDS = 300


class InvalidToken(Exception):
    """A token that is refused. str() says what is wrong, in words that may be shown to the caller."""


def look(token: str) -> None:
    """Raise InvalidToken for a token that Wix can't have given to a page of ours, or that has ended."""
    form = _FORM.fullmatch(token) if len(token) <= _MAX_LENGTH else None
    header, claims = (_document(part) for part in form.groups()) if form else (None, None)
    if header is None or claims is None or not isinstance(header.get("alg"), str):
        raise InvalidToken("it has not the form of a Wix access token")
    exp = number(claims.get("exp"))
    if exp is not None and exp + _CLOCK_SKEW_SECONDS < time.time():
        raise InvalidToken("it has expired; load the page again for a new one")
    if _is_for_another_app(claims):
        raise InvalidToken("it is for another app")


def _is_for_another_app(claims: dict[str, Any]) -> bool:
    """Compare whom it is for, by its audience and by the app instance inside of it, where it says so.

    Today's tokens have no audience. One that is an address, or Wix's own name, would say nothing of the app.
    """
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    apps = [app for app in named if isinstance(app, str) and app and "://" not in app and "wix" not in app.lower()]
    instance = object_in(_opened(claims.get("data")), "instance").get("appDefId")
    ours = settings.WIX_APP_ID
    return bool(apps and ours not in named) or (isinstance(instance, str) and instance != ours)


def _document(part: str) -> dict[str, Any] | None:
    """Return the JSON object that is written in base64url; None for anything else."""
    try:
        found = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _opened(data: Any) -> Any:
    try:
        return json.loads(data) if isinstance(data, str) else data
    except (ValueError, RecursionError):
        return None
