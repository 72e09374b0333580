"""Secrets of endpoints, and the signatures made with them, in the form of Standard Webhooks (https://www.standardwebhooks.com).

A secret signs, so it must be readable here. It lies sealed in the database, with a key that is derived from SECRET_KEY: a dump of
the database alone signs nothing. While SECRET_KEY is changed, the old one stands in SECRET_KEY_FALLBACKS, and secrets that it
sealed can still be read.
"""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from standardwebhooks import Webhook

from workers.errors import PermanentError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_BYTES = 32


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def seal(secret: str) -> str:
    return _seals(_keys()).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the secret. Raises PermanentError where it was sealed with a key that is gone."""
    # Imported here: it takes ten megabytes, which an idle process can do without.
    from cryptography.fernet import InvalidToken

    try:
        return _seals(_keys()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        message = "Its secret can't be read: it was sealed with a SECRET_KEY that is gone. Rotate the secret."
        raise PermanentError("secret_lost", message) from None


def headers(webhook_id: str, body: str, sealed: list[str], now: datetime | None = None) -> dict[str, str]:
    """Return what a message is sent with: one signature for each secret, that of the newest first."""
    sent_at = (now or datetime.now(UTC)).astimezone(UTC)
    signatures = [Webhook(unseal(each)).sign(webhook_id, sent_at, body) for each in sealed]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=2)
def _seals(keys: tuple[str, ...]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def key(secret: str) -> bytes:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"webhook secrets").derive(secret.encode())
        return base64.urlsafe_b64encode(derived)

    return MultiFernet([Fernet(key(secret)) for secret in keys])
