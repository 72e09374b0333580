"""The signed app instance that Wix puts into our dashboard page's address.

Its form and fields are in Wix's docs, "Parse the app instance query parameter". It is no JWT, and has two parts:
`<signature>.<data>`. Data is base64url of a JSON object; the signature is base64url of HMAC-SHA256 over the data string as
received. Both have no padding.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from wix.client.fields import moment, moment_of_epoch, number, text_in, uuid_or_none
from workers.texts import parsed_json

# Wix signs for four hours and says so in `expirationDate`; an instance without one counts from its `signDate`.
_LIFETIME = timedelta(hours=4)
_CLOCK_SKEW = timedelta(minutes=5)
# A real one has about 700 characters; a caller must not make us hash megabytes.
_MAX_LENGTH = 8_000


class InvalidInstance(Exception):
    """An instance that is refused. str() says what is wrong, in words that may be shown to the caller."""


def read_instance(signed: str) -> Mapping[str, Any]:
    """Check a signed instance in every way, and return its payload. Raises InvalidInstance."""
    if not (settings.WIX_APP_ID and settings.WIX_APP_SECRET):
        # With an empty key anyone could sign.
        raise InvalidInstance("this service has no WIX_APP_ID and WIX_APP_SECRET to check it with")
    if len(signed) > _MAX_LENGTH:
        raise InvalidInstance("it is too long")
    signature, dot, data = signed.partition(".")
    if not (signature and dot and data) or "." in data:
        raise InvalidInstance("it must have the form <signature>.<data>")
    if not _is_ours(signature.encode(), data):
        raise InvalidInstance("its signature is not right for this app")
    try:
        payload = parsed_json(_decode(data))
    except (ValueError, binascii.Error):
        raise InvalidInstance("its data is not base64url of JSON") from None
    if not isinstance(payload, dict):
        raise InvalidInstance("its data is not a JSON object")
    _check(payload)
    return payload


def sign_instance(instance_id: uuid.UUID | str, *, lifetime: timedelta = _LIFETIME, **fields: Any) -> str:
    """Sign what Wix would sign for a site's owner; for development and tests, where the app secret is ours."""
    now = timezone.now()
    payload = {
        "instanceId": str(instance_id),
        "appDefId": settings.WIX_APP_ID,
        "signDate": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, str(instance_id))),
        "permissions": "OWNER",
        "demoMode": False,
        "expirationDate": (now + lifetime).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **fields,
    }
    data = _encode(json.dumps({name: value for name, value in payload.items() if value is not ...}).encode())
    return f"{_signature(settings.WIX_APP_SECRET, data).decode()}.{data}"


def _check(payload: dict[str, Any]) -> None:
    if uuid_or_none(payload.get("instanceId")) is None:
        raise InvalidInstance("it names no instanceId")
    if payload.get("appDefId") != settings.WIX_APP_ID:
        raise InvalidInstance("it is for another app")
    if payload.get("aid"):
        raise InvalidInstance("it belongs to an anonymous visitor of the site")
    if not text_in(payload, "uid"):
        raise InvalidInstance("it names no Wix user (uid)")
    if payload.get("demoMode") not in (None, False, 0, "", "false"):
        raise InvalidInstance("it is of a demonstration, and of no site")
    if not _manages_the_site(payload):
        raise InvalidInstance("it speaks for no owner or contributor of the site")
    now = timezone.now()
    signed_at = time_of(payload.get("signDate"))
    if signed_at is None:
        raise InvalidInstance("it says no signDate")
    if signed_at > now + _CLOCK_SKEW:
        raise InvalidInstance("its signDate lies in the future")
    if now > end_of(payload):
        raise InvalidInstance("it has expired; load the page again for a new one")


def end_of(payload: Mapping[str, Any]) -> datetime:
    """Return when an instance ends that says when it was signed."""
    signed_at = time_of(payload["signDate"])
    assert signed_at
    return time_of(payload.get("expirationDate")) or signed_at + _LIFETIME


def _manages_the_site(payload: dict[str, Any]) -> bool:
    """Tell whether it speaks for the site's owner or a contributor, as a dashboard's token must, and not for a member.

    Certain is: the owner has `permissions` "OWNER", and the owner's `uid` is the `siteOwnerId`; a contributor's is another. Wix's
    documents don't say which `permissions` a contributor has. So any counts, but for one that names a member or a visitor; and
    a user who has none must be the owner.
    """
    permissions = text_in(payload, "permissions").strip().upper()
    if any(word in permissions for word in ("MEMBER", "VISITOR", "ANONYMOUS")):
        return False
    return bool(permissions) or payload["uid"] == payload.get("siteOwnerId")


def time_of(value: Any) -> datetime | None:
    """Read a `signDate` or `expirationDate`: ISO 8601 today, epoch milliseconds in older docs."""
    if isinstance(value, str):
        return moment(value)
    milliseconds = number(value)
    return None if milliseconds is None else moment_of_epoch(milliseconds / 1000)


def _is_ours(signature: bytes, data: str) -> bool:
    """Compare with the secret and with the one before it, so that rotating it at Wix locks out no open page.

    Both are always compared, so that the time that it takes doesn't tell which one fits.
    """
    secrets = [settings.WIX_APP_SECRET, settings.WIX_APP_SECRET_PREVIOUS or settings.WIX_APP_SECRET]
    return any([hmac.compare_digest(_signature(secret, data), signature) for secret in secrets])  # noqa: C419  all of them


def _signature(secret: str, data: str) -> bytes:
    digest = hmac.new(secret.encode(), data.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(data: str) -> bytes:
    return base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)
