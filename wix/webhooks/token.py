"""Reads a webhook: its whole body is a JWT, signed with our app's key pair, whose private half only Wix has.

It has three layers: the token's `data` names the event and the instance, and its `data` in turn is the event itself. Each is a
string of JSON on the wire and an object in Wix's docs; both are read.

Otherwise we accept what @wix/sdk accepts (`AppStrategy.decodeJWT`, jose): `exp` and `nbf` count where they are present; `iss`,
`aud` and `kid` do not. A token may have any age, since it is not documented whether Wix signs a resend again.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from wix.client.fields import moment, moment_of_epoch, uuid_or_none
from wix.webhooks import public_keys
from workers.texts import storable

# The one that Wix signs with, and the only one accepted, whatever the token's header says: with HS256 our public key would be the
# secret.
_ALGORITHM = "RS256"
EVENT_TYPE_MAX = 150


class InvalidWebhook(Exception):
    """A webhook that is refused. `code` is for the caller; nothing that was sent is in here.

    `http` is 400 for what can't be read, 401 for what is not from Wix.
    """

    def __init__(self, http: int, code: str, message: str) -> None:
        super().__init__(message)
        self.http = http
        self.code = code


@dataclass(frozen=True, slots=True)
class Event:
    event_type: str
    instance_id: UUID | None
    data: Any
    issued_at: datetime
    happened_at: datetime | None
    digest: str
    can_recur: bool
    """Whether it has neither a time nor an id of its own, so that the same thing happening again looks like a resend."""


def read(body: bytes) -> Event:
    """Check a token's signature and times, and return its event. Raises InvalidWebhook."""
    try:
        claims = json.loads(_verified(body.rstrip()).decode("utf-8-sig"), parse_constant=_no_constant)
        if not isinstance(claims, dict):
            raise _malformed("Its payload is not an object.")
        _check_times(claims)
        return _event(claims)
    except (ValueError, RecursionError):
        raise _malformed("It does not hold JSON within JSON, as Wix's webhooks do.") from None


def _verified(token: bytes) -> bytes:
    """Return the payload of a token that one of our keys verifies. Raises InvalidWebhook."""
    import jwt  # with cryptography behind it: workers load this module and verify nothing

    signatures = jwt.PyJWS(algorithms=[_ALGORITHM])
    found: jwt.InvalidTokenError | None = None
    for key in public_keys.configured():
        try:
            payload: bytes = signatures.decode(token, key=key, algorithms=[_ALGORITHM])
            return payload
        except jwt.InvalidTokenError as error:
            found = error
    match found:
        case jwt.InvalidSignatureError():
            raise InvalidWebhook(401, "bad_signature", "It is not signed with a key of our app's.")
        case jwt.InvalidAlgorithmError():
            raise InvalidWebhook(401, "bad_algorithm", f"It is not signed with {_ALGORITHM}.")
    raise _malformed("It is not a signed JWT.")


def _check_times(claims: dict[str, Any]) -> None:
    # jose counts whole seconds.
    now = int(time.time())
    times = {name: claims[name] for name in ("iat", "nbf", "exp") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        raise _malformed("Its iat, nbf or exp is not a number.")
    if "nbf" in times and times["nbf"] > now:
        raise InvalidWebhook(401, "not_yet_valid", "It is not valid yet (nbf).")
    if "exp" in times and times["exp"] <= now:
        raise InvalidWebhook(401, "expired", "It has expired (exp).")


def _event(claims: dict[str, Any]) -> Event:
    envelope = _opened(claims, "data")
    if not isinstance(envelope, dict):
        raise _malformed("Its data is not an event.")
    data = storable(_opened(envelope, "data"))
    if envelope.get("identity"):
        _opened(envelope, "identity")
    event_type, instance = envelope.get("eventType"), envelope.get("instanceId")
    if not instance and isinstance(data, dict):
        # Invoices also name it in their own data.
        instance = data.get("instanceId")
    event_type = storable(event_type)[:EVENT_TYPE_MAX] if isinstance(event_type, str) else ""
    fields = data if isinstance(data, dict) else {}
    happened_at = moment(fields.get("operationTimeStamp")) or moment(fields.get("eventTime"))
    id_ = fields.get("id") if "entityFqdn" in fields else None
    instance_id = uuid_or_none(instance)
    return Event(
        event_type=event_type,
        instance_id=instance_id,
        data=data,
        issued_at=_issued_at(claims.get("iat")),
        happened_at=happened_at,
        digest=_digest(str(instance_id or instance), event_type, ["id", id_] if id_ else data),
        can_recur=not (id_ or happened_at),
    )


def _opened(layer: dict[str, Any], name: str) -> Any:
    if name not in layer:
        raise _malformed(f"It lacks a layer ({name}).")
    inner = layer[name]
    return json.loads(inner, parse_constant=_no_constant) if isinstance(inner, str) else inner


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _issued_at(iat: Any) -> datetime:
    """Return when Wix signed the event; without `iat`, now: then a resend looks like news, which its handler can tell."""
    known = moment_of_epoch(iat) if iat is not None else None
    return known or datetime.now(UTC)


def _malformed(message: str) -> InvalidWebhook:
    return InvalidWebhook(400, "malformed_token", message)


def _no_constant(name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
