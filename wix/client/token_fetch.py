"""Asks Wix for a site's access token, in the name of our app: by its id, its secret and the site's instance id.

While the secret is rotated, WIX_APP_SECRET is the new one already and Wix may know only the one before. So a wrong secret is
tried again with WIX_APP_SECRET_PREVIOUS inside of the same outbound call: the breaker hears only of what the second try says.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from wix.client import wire
from wix.client.answers import NotConnected, WixRefused
from wix.client.fields import picked_id
from wix.client.wire import WIX_TOKEN, Request
from workers import outbound
from workers.errors import AccountRefused, PermanentError, TransientError
from workers.limits import Limit
from workers.outbound import Call

_SECONDS = 30.0
# Wix's tokens are good for four hours.
_LONGEST_SECONDS = 4 * 3600.0
# As much as servers take in one line of a request's head.
_LONGEST_TOKEN = 8_000
# OAuth's code for an id or secret that is wrong.
_WRONG_SECRET = "invalid_client"


def fetch(instance_id: str, *, may_be_gone: bool = False) -> tuple[str, float]:
    """Return the token, and for how many seconds it is good. Raises AccountRefused, RateLimited, TransientError.

    With `may_be_gone`, a refusal raises NotConnected, unless it is of our id or secret.
    """

    def send(call: Call) -> dict[str, Any]:
        try:
            return _answer(instance_id, call)
        except WixRefused as refused:
            raise _no_access(refused, may_be_gone) from None

    answer = outbound.call(WIX_TOKEN, "token", send, limit=Limit("wix", key=instance_id), seconds=_SECONDS)
    token = picked_id(answer, "access_token", most=_LONGEST_TOKEN)
    if not (token.isascii() and token.isprintable()):
        raise TransientError("wix_unavailable", "Wix sent a token that no header can carry.")
    return token, _lasts(answer.get("expires_in"))


def _lasts(told: object) -> float:
    """Return for how many seconds a token is good: what Wix says, but no longer than it says for any."""
    if not isinstance(told, int | float) or not told > 0:  # which a NaN isn't
        return 0.0
    return float(min(told, _LONGEST_SECONDS))


def _answer(instance_id: str, call: Call) -> dict[str, Any]:
    try:
        return wire.send(_request(instance_id, settings.WIX_APP_SECRET), instance_id, {}, call)
    except WixRefused as refused:
        if refused.application_code != _WRONG_SECRET or not settings.WIX_APP_SECRET_PREVIOUS:
            raise
    return wire.send(_request(instance_id, settings.WIX_APP_SECRET_PREVIOUS), instance_id, {}, call)


def _request(instance_id: str, secret: str) -> Request:
    credentials = {
        "grant_type": "client_credentials",
        "client_id": settings.WIX_APP_ID,
        "client_secret": secret,
        "instance_id": instance_id,
    }
    return Request("POST", "/oauth2/token", "token", _SECONDS, body=credentials)


def _no_access(refused: WixRefused, may_be_gone: bool) -> PermanentError:
    """Say what a refused token means. What Wix answers for a removed app is not documented, so any refusal may mean that.

    The exception is OAuth's code for a wrong id or secret, which must not make all sites look removed.
    """
    if may_be_gone and refused.status >= 400 and refused.application_code != _WRONG_SECRET:
        return NotConnected(refused.status)
    return AccountRefused(
        "wix_auth_lost",
        f"Wix gives no access to this site ({refused.status}): "
        "the app was removed there, or the app's id or secret is wrong.",
    )
