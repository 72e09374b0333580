"""Wix's own access tokens, as the dashboard's SDK sends them: only Wix can say whose they are, so we ask.

Their inner JWT is signed with a key that Wix keeps; nothing that it says is believed here. A page sends the same token again and
again, so an answer that let it in is kept for a while, in this process: Django's cache is a counter here unless there is a Redis,
and then would hold who may come in where others can write; and another process asks but once as well.

Whoever sends many tokens of the right form, all false, uses up the limit of these questions, and new pages get 503 meanwhile. That
is accepted: who was let in goes on, as do signed instances and API keys, and an address says nothing of who asks behind a proxy.
"""

from __future__ import annotations

import hashlib
import math
import re
import threading
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from wix.client import wire
from wix.client.answers import WixRefused
from wix.client.fields import number, uuid_or_none
from workers.context.deadline import DeadlineExceeded, within
from workers.context.on_behalf import Work, on_behalf_of
from workers.errors import RateLimited, TransientError
from workers.limits import Limit

PREFIX = "OauthNG.JWS."
# A request waits for the answer: so long, and with its place in the limit a little longer.
_ASKING_SECONDS, _IN_ALL_SECONDS = 4.0, 5.0
_AGAIN_SECONDS = 5.0
_FORM = re.compile(r"OauthNG\.JWS\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_MAX_LENGTH = 8_000
# Each some hundred bytes.
_KEPT = 10_000


class InvalidToken(Exception):
    """str() says what is wrong, in words that may be shown to the caller."""


class CannotAsk(Exception):
    """Wix doesn't answer: this says nothing of the token."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("Wix can't be asked")
        self.retry_after = max(1, math.ceil(retry_after))


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """Of a token that was let in."""

    instance_id: UUID
    user_id: str
    expires_at: float | None
    issued_at: float | None = None


def verified(token: str) -> TokenInfo:
    """Raises InvalidToken, CannotAsk."""
    if not settings.WIX_APP_ID:
        raise InvalidToken("this service has no WIX_APP_ID to check it with")
    if len(token) > _MAX_LENGTH or not _FORM.fullmatch(token):
        raise InvalidToken("it has not the form of a Wix access token")
    digest = hashlib.sha256(token.encode()).digest()
    if known := _remembered(digest):
        return known
    info = _checked(_ask(token, digest))
    _remember(digest, info)
    return info


def _ask(token: str, digest: bytes) -> dict[str, Any]:
    # What follows would wait a minute for a database that is away, which is a worker's patience.
    connection.ensure_connection()
    wanted = wire.Request("POST", "/oauth2/token-info", "token_info", _ASKING_SECONDS, body={"token": token})
    # For a breaker to tell one caller's trouble from everybody's: no site is known yet.
    caller = -int.from_bytes(digest[:7])
    try:
        with within(_IN_ALL_SECONDS), on_behalf_of(Work(id=caller, site=caller)):
            return wire.exchange(wire.WIX_TOKEN_INFO, Limit("wix_token_info"), wanted)
    except WixRefused as refused:
        if refused.status < 400:
            raise CannotAsk(_AGAIN_SECONDS) from None
        raise InvalidToken("Wix doesn't know it") from None
    except RateLimited as limited:
        raise CannotAsk(limited.retry_in) from limited
    except (TransientError, DeadlineExceeded) as error:
        raise CannotAsk(_AGAIN_SECONDS) from error


def _checked(answer: dict[str, Any]) -> TokenInfo:
    """A visitor's or member's token of the same site passes all but the check of its subject."""
    if "active" not in answer:
        raise CannotAsk(_AGAIN_SECONDS)  # this is no answer to what was asked
    if answer["active"] is not True and answer["active"] != "true":
        raise InvalidToken("it is not valid any more")
    if answer.get("clientId") != settings.WIX_APP_ID:
        raise InvalidToken("it is for another app")
    if answer.get("subjectType") != "USER":
        raise InvalidToken("it belongs to nobody who manages the site")
    instance_id = uuid_or_none(answer.get("instanceId"))
    if instance_id is None:
        raise InvalidToken("it names no instanceId")
    expires_at = _seconds(answer.get("exp"))
    if expires_at is not None and expires_at <= time.time():
        raise InvalidToken("it has expired; load the page again for a new one")
    return TokenInfo(instance_id, str(answer.get("subjectId") or ""), expires_at, _issued(answer.get("iat")))


_FAR_FUTURE = 1e11


def _issued(iat: Any) -> float | None:
    seconds = number(iat)
    return seconds if seconds is not None and 0 < seconds < _FAR_FUTURE else None


def _seconds(exp: Any) -> float | None:
    """A number by Wix's types, a string in its docs; without one, Wix's `active` stands alone."""
    if exp is None:
        return None
    seconds = number(exp)
    if seconds is None:
        raise InvalidToken("its end can't be read")
    return seconds


# --- Who was let in ---------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_let_in: dict[bytes, tuple[TokenInfo, float]] = {}


def _remembered(digest: bytes) -> TokenInfo | None:
    with _lock:
        info, until = _let_in.get(digest, (None, 0.0))
        if info is not None and time.time() >= until:
            del _let_in[digest]
            return None
        return info


def _remember(digest: bytes, info: TokenInfo) -> None:
    """Not for a moment longer than the token lasts, nor where nobody says how long that is."""
    if info.expires_at is None or settings.WIX_TOKEN_INFO_CACHE_SECONDS <= 0:
        return
    with _lock:
        while len(_let_in) >= _KEPT:
            del _let_in[next(iter(_let_in))]
        _let_in[digest] = (info, min(time.time() + settings.WIX_TOKEN_INFO_CACHE_SECONDS, info.expires_at))


def forget() -> None:
    """For tests."""
    with _lock:
        _let_in.clear()
