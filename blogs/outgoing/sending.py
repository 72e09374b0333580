"""How workers send what is due: each message at least once, with the same `webhook-id` and the same body each time.

A worker that is killed between a receiver's answer and its own note sends again: the turn ends by itself, and the message is still
due. A message is tried for three days. What one receiver does costs a thread no more than the deadline of a call, and costs other
receivers nothing: no breaker is theirs together, and the limit is each shop's own.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, payload, signing, turns
from workers import metrics, outbound
from workers.context.log_context import log_context
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY
from workers.errors import RateLimited, TransientError, WorkError
from workers.limits import Limit
from workers.outbound import Call, retry_after, strangers
from workers.texts import cut

logger = logging.getLogger(__name__)

State = WebhookMessage.State

KEPT_TRYING = timedelta(days=3)
# Pauses between two sendings of a message; the last one again and again. Each is up to a fifth shorter or longer.
_PAUSES = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0)
# After this many failures in a row nothing is sent to it for a while, each time for twice as long.
_RESTS_AFTER, _REST_SECONDS, _REST_MAX_SECONDS = 5, 10.0, 900.0
_SLOW_SECONDS, _SLOW_FOR_SECONDS = 3.0, 3_600.0
# A turn ends after this, so that other endpoints have theirs.
_TURN_MESSAGES, _TURN_SECONDS = 20, 5.0
_PATIENCE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 2.0


def work_off(go_on: Callable[[], bool] = lambda: True, *, slow: bool = False) -> float | None:
    """Send what is due, until `go_on` says no. Return in how many seconds to look again; None: there is no endpoint."""
    if not turns.any_endpoint():
        return None
    while go_on() and (endpoint := turns.take(slow=slow)):
        with log_context(site=endpoint.site_id, endpoint=endpoint.pk):
            try:
                _serve(endpoint, go_on)
            finally:
                with released_afterwards():
                    turns.give_up(endpoint)
    return _LOOK_AGAIN_SECONDS if turns.any_endpoint() else None


def work_off_slow(go_on: Callable[[], bool] = lambda: True) -> float | None:
    """Do the same for endpoints that were slow in the last hour."""
    return work_off(go_on, slow=True)


def _serve(endpoint: WebhookEndpoint, go_on: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _TURN_SECONDS
    for _ in range(_TURN_MESSAGES):
        with released_afterwards():
            message = turns.next_message(endpoint) if turns.go_on(endpoint) else None
        if message is None or not _send(endpoint, message):
            return
        if time.monotonic() > ends_at or not go_on():
            return


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of a sending. `wait`: the pause that the receiver asks for."""

    outcome: str
    said: str
    took: float
    status: int | None = None
    wait: float = 0.0

    @property
    def delivered(self) -> bool:
        return self.outcome == "delivered"


def _send(endpoint: WebhookEndpoint, message: WebhookMessage) -> bool:
    """Send one message and write down what came of it. False: the turn is over."""
    try:
        came = _came_of(endpoint, message)
    except RateLimited as limited:
        _put_off(endpoint, message, limited)
        return False
    with released_afterwards():
        return _note(endpoint, message, came)


def _came_of(endpoint: WebhookEndpoint, message: WebhookMessage) -> _Came:
    """Raises RateLimited, or an error of the database: then nothing can be noted, and the message is due again after the turn."""
    began = time.monotonic()
    try:
        status, wait = _posted(endpoint, message)
    except (RateLimited, *DATABASE_AWAY):
        raise
    except WorkError as error:
        return _Came(error.code, error.message, time.monotonic() - began)
    except Exception:
        # A bug of ours, in one message, must not keep the others waiting.
        logger.exception("unexpected error in a webhook message", extra={"action": "bug"})
        return _Came("internal", "An error of ours; an engineer has to look.", time.monotonic() - began)
    outcome = "delivered" if 200 <= status < 300 else "refused"
    return _Came(outcome, f"It answered {status}.", time.monotonic() - began, status, wait)


def _posted(endpoint: WebhookEndpoint, message: WebhookMessage) -> tuple[int, float]:
    """Return the receiver's status and the pause that it asks for."""
    with released_afterwards():
        body = message.body or _written(endpoint, message)
        site_key = str(endpoint.site.instance_id)
    rules = endpoints.rules()
    to = strangers.target(endpoint.url, rules)
    signed = signing.headers(message.webhook_id, body, _secrets(endpoint))
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "blog-generation-webhooks/1", **signed}

    def post(call: Call) -> tuple[int, float]:
        status, wait = strangers.post(to, body.encode(), headers, rules)
        asked = retry_after.seconds({"retry-after": wait}) if wait and status in (429, 503) else None
        return status, asked or 0.0

    seconds: float = settings.OUTGOING_WEBHOOK_SECONDS
    limit = Limit("webhook_receiver", key=site_key)
    return outbound.call(_PROVIDER, "post", post, limit=limit, seconds=seconds, patience=_PATIENCE_SECONDS)


def _written(endpoint: WebhookEndpoint, message: WebhookMessage) -> str:
    """Write the body down before it is first sent. Another turn may have written one in the meantime: that one holds."""
    body = payload.body_of(message, endpoint.site)
    with transaction.atomic():
        WebhookMessage.objects.filter(pk=message.pk, body=None).update(body=body)
        stored = WebhookMessage.objects.values_list("body", flat=True).get(pk=message.pk)
    return stored or body


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    """Return what signs: after a rotation both secrets, for a day."""
    until = endpoint.old_secret_until
    old = [endpoint.sealed_old_secret] if until and until > timezone.now() else []
    return [endpoint.sealed_secret, *old]


def _explain(error: Exception) -> WorkError:
    return TransientError("unreachable", f"It could not be reached ({type(error).__name__}).")


# `strangers.post` raises our own errors only, and none that opens a breaker: a receiver that is down is its shop's affair.
_PROVIDER = outbound.Provider("webhook_receiver", raises=(OSError,), explain=_explain)


# --- What came of it --------------------------------------------------------------------------------------------------


def _note(endpoint: WebhookEndpoint, message: WebhookMessage, came: _Came) -> bool:
    """Write it down, if the turn is still ours; say whether the turn goes on."""
    given_up = not came.delivered and timezone.now() - message.created_at > KEPT_TRYING
    slow = {"slow_until": seconds_from_now(_SLOW_FOR_SECONDS)} if came.took > _SLOW_SECONDS else {}
    why = _switched_off_for(endpoint, came)
    with transaction.atomic():
        if not turns.mine(endpoint).update(**_health(endpoint, came), **slow):
            logger.info("turn lost", extra={"action": "webhook_sent", "outcome": "turn_lost"})
            return False
        WebhookMessage.objects.filter(pk=message.pk).update(
            attempts=F("attempts") + 1,
            tried_at=ClockTimestamp(),
            answer_status=came.status,
            answer=cut(came.said, 200),
            took_ms=round(came.took * 1000),
            **_end(message, came, given_up=given_up),
        )
        if why:
            endpoints.switch_off(endpoint, why)
    _say(message, came, given_up=given_up)
    endpoint.failures = 0 if came.delivered else endpoint.failures + 1
    endpoint.failing_since = None if came.delivered else endpoint.failing_since or timezone.now()
    return not why and not slow and endpoint.failures < _RESTS_AFTER


def _end(message: WebhookMessage, came: _Came, *, given_up: bool) -> dict[str, Any]:
    if came.delivered or given_up:
        return {"state": State.DELIVERED if came.delivered else State.FAILED, "due_at": None}
    return {"due_at": seconds_from_now(max(pause_after(message.attempts + 1), came.wait))}


def pause_after(attempts: int) -> float:
    """Return the seconds until the next sending, some of them by chance: receivers that were away are not met by all at once."""
    return _PAUSES[min(attempts, len(_PAUSES)) - 1] * random.uniform(0.8, 1.2)


def _health(endpoint: WebhookEndpoint, came: _Came) -> dict[str, Any]:
    if came.delivered:
        return {"failures": 0, "failing_since": None, "rests_until": None, "delivered_at": ClockTimestamp()}
    failures = endpoint.failures + 1
    health: dict[str, Any] = {"failures": failures}
    if endpoint.failing_since is None:
        health["failing_since"] = ClockTimestamp()
    if failures >= _RESTS_AFTER:
        rest = min(_REST_SECONDS * 2.0 ** min(failures - _RESTS_AFTER, 20), _REST_MAX_SECONDS)
        health["rests_until"] = seconds_from_now(rest * random.uniform(0.8, 1.2))
    return health


def _switched_off_for(endpoint: WebhookEndpoint, came: _Came) -> WebhookEndpoint.Off | None:
    if came.status == 410:
        return WebhookEndpoint.Off.GONE
    since = endpoint.failing_since
    longest = timedelta(days=settings.OUTGOING_WEBHOOK_OFF_AFTER_DAYS)
    if not came.delivered and since and timezone.now() - since > longest:
        return WebhookEndpoint.Off.FAILING
    return None


def _put_off(endpoint: WebhookEndpoint, message: WebhookMessage, limited: RateLimited) -> None:
    """Wait for the shop's own limit, at no cost of an attempt."""
    with released_afterwards(), transaction.atomic():
        if turns.mine(endpoint).exists():
            WebhookMessage.objects.filter(pk=message.pk).update(due_at=seconds_from_now(min(limited.retry_in, 60.0)))
    metrics.count(metrics.WEBHOOKS_SENT, "put_off")


def _say(message: WebhookMessage, came: _Came, *, given_up: bool) -> None:
    metrics.count(metrics.WEBHOOKS_SENT, "given_up" if given_up else came.outcome)
    about: dict[str, Any] = {
        "action": "webhook_sent",
        "webhook": message.webhook_id,
        "type": message.type,
        "outcome": came.outcome,
    }
    about |= {"status_code": came.status, "ms": round(came.took * 1000), "attempt": message.attempts + 1}
    logger.log(logging.INFO if came.delivered else logging.WARNING, "webhook message", extra=about)
