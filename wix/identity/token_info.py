"""Verifies Wix's own access tokens, as the dashboard's SDK sends them, by asking Wix whose they are.

We can't verify them ourselves: their inner JWT is signed with a key that only Wix has. So nothing that the JWT says is used here.

A page sends the same token again and again, so a positive answer is kept for a while, in this process, and a refusal for a few
seconds. Django's cache is not used for it: here it counts requests, unless there is a Redis, and that would hold who may come in
where others can write. Each further process costs one more question.

A web request waits for Wix alone, and in few threads (`asking`); for the limit of these questions it does not wait. A caller who
sends many false tokens of the right form uses up that limit or those threads, and new pages get 503 meanwhile. That is accepted.
Pages that were let in go on, as do signed instances, API keys and webhooks. A limit for each address would not help: behind a proxy
an address doesn't tell who is asking.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection

from wix.client import wire
from wix.client.answers import WixRefused
from wix.client.fields import number, uuid_or_none
from wix.identity import token_form
from wix.identity.asking import NoAnswer, Questions
from wix.identity.token_form import PREFIX, InvalidToken
from workers.context.deadline import DeadlineExceeded, within
from workers.context.on_behalf import on_behalf_of, stranger
from workers.context.process_memory import Latest, remembered
from workers.errors import RateLimited, TransientError
from workers.limits import Limit

__all__ = ["PREFIX", "CannotAsk", "InvalidToken", "TokenInfo", "verified"]

# How long a request waits for Wix's answer, and how long in all.
_ASKING_SECONDS, _IN_ALL_SECONDS = 4.0, 5.0
# Two pages that open in the same moment have places a tenth of a second apart; more than that is waiting.
_PLACE_SECONDS = 0.25
_AGAIN_SECONDS, _SOON_SECONDS = 5.0, 1.0
# Each takes a few hundred bytes.
_KEPT = 10_000


class CannotAsk(Exception):
    """Wix doesn't answer, so that we don't know whether the token is good."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("Wix can't be asked")
        self.retry_after = max(1, math.ceil(retry_after))


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What Wix says of a token that is good."""

    instance_id: UUID
    user_id: str
    expires_at: float | None
    issued_at: float | None = None


def verified(token: str) -> TokenInfo:
    """Return what Wix says of a token, now or lately. Raises InvalidToken, CannotAsk."""
    if not settings.WIX_APP_ID:
        raise InvalidToken("this service has no WIX_APP_ID to check it with")
    token_form.look(token)
    digest = hashlib.sha256(token.encode()).digest()
    known = _remembered(digest) or _ask_once(token, digest)
    if isinstance(known, TokenInfo):
        return known
    raise InvalidToken(known)


_questions: Questions[TokenInfo | str] = Questions()


def _ask_once(token: str, digest: bytes) -> TokenInfo | str:
    """Return what Wix says of a token, or why it is refused. Threads that have the same token ask once together."""

    def question() -> TokenInfo | str:
        # The answer may have come while this thread was on its way here.
        return _remembered(digest) or _asked(token, digest)

    try:
        return _questions.ask(digest, question, seconds=_IN_ALL_SECONDS)
    except NoAnswer:
        raise CannotAsk(_SOON_SECONDS) from None


def _asked(token: str, digest: bytes) -> TokenInfo | str:
    try:
        info = _checked(_ask(token, digest))
    except InvalidToken as refused:
        _remember_refusal(digest, str(refused))
        return str(refused)
    _remember(digest, info)
    return info


def _ask(token: str, digest: bytes) -> dict[str, Any]:
    # Fail at once if the database is away: what follows would wait a minute for it, as a worker may.
    connection.ensure_connection()
    wanted = wire.Request("POST", "/oauth2/token-info", "token_info", _ASKING_SECONDS, body={"token": token})
    try:
        with within(_IN_ALL_SECONDS), on_behalf_of(stranger(digest)):
            return wire.exchange(wire.WIX_TOKEN_INFO, Limit("wix_token_info"), wanted, patience=_PLACE_SECONDS)
    except WixRefused as refused:
        if refused.status < 400:
            raise CannotAsk(_AGAIN_SECONDS) from None
        raise InvalidToken("Wix doesn't know it") from None
    except RateLimited as limited:
        raise CannotAsk(limited.retry_in) from limited
    except (TransientError, DeadlineExceeded) as error:
        raise CannotAsk(_AGAIN_SECONDS) from error


def _checked(answer: dict[str, Any]) -> TokenInfo:
    """Check Wix's answer. A visitor's or a member's token of the same site passes all checks but that of its subject."""
    if "active" not in answer:
        raise CannotAsk(_AGAIN_SECONDS)  # this does not answer our question
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
    """Read when a token ends. Without an end, Wix's `active` alone decides; one that can't be read is refused."""
    if exp is None:
        return None
    seconds = number(exp)
    if seconds is None:
        raise InvalidToken("its end can't be read")
    return seconds


# --- Answers that are kept --------------------------------------------------------------------------------------------

K = TypeVar("K")
_lock = threading.Lock()
_let_in: Latest[bytes, tuple[TokenInfo, float]] = remembered(Latest(_KEPT))
# Apart from those, so that no number of false tokens pushes a good one out.
_refused: Latest[bytes, tuple[str, float]] = remembered(Latest(_KEPT))


def _remembered(digest: bytes) -> TokenInfo | str | None:
    with _lock:
        return _fresh(_let_in, digest) or _fresh(_refused, digest)


def _fresh(kept: Latest[bytes, tuple[K, float]], digest: bytes) -> K | None:
    known = kept.get(digest)
    if known and time.time() >= known[1]:
        del kept[digest]
        return None
    return known[0] if known else None


def _remember(digest: bytes, info: TokenInfo) -> None:
    """Keep an answer, at most until the token ends; not at all where Wix doesn't say when that is."""
    if info.expires_at is None or settings.WIX_TOKEN_INFO_CACHE_SECONDS <= 0:
        return
    with _lock:
        _let_in[digest] = (info, min(time.time() + settings.WIX_TOKEN_INFO_CACHE_SECONDS, info.expires_at))


def _remember_refusal(digest: bytes, because: str) -> None:
    with _lock:
        _refused[digest] = (because, time.time() + settings.WIX_TOKEN_INFO_REFUSED_SECONDS)
