"""Signed instances as Wix would not make them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings


def payload(**fields: Any) -> dict[str, Any]:
    """What a real one of 2026 holds; a field that is `...` is left out."""
    now = datetime.now(UTC)
    whole = {
        "instanceId": str(uuid.uuid4()),
        "appDefId": settings.WIX_APP_ID,
        "signDate": iso(now),
        "uid": str(uuid.uuid4()),
        "permissions": "OWNER",
        "demoMode": False,
        "siteOwnerId": str(uuid.uuid4()),
        "siteMemberId": str(uuid.uuid4()),
        "expirationDate": iso(now + timedelta(hours=4)),
        "loginAccountId": str(uuid.uuid4()),
        "pai": None,
        "lpai": None,
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(data: bytes | str | dict[str, Any], secret: str | None = None) -> str:
    """`<signature>.<data>`; text is taken for data that is encoded already."""
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    encoded = base64url(data) if isinstance(data, bytes) else data
    key = (settings.WIX_APP_SECRET if secret is None else secret).encode()
    return f"{base64url(hmac.new(key, encoded.encode(), hashlib.sha256).digest())}.{encoded}"
