"""Webhooks between their arrival and their work: stored and answered by the web, taken by a worker, once each.

A delivery is taken by moving its `due_at` ahead and committing, so that what a killed worker had is due again some minutes later,
and no transaction waits for the network. It is finished only by whoever took it last: a resend that came meanwhile, or a second
worker after a long pause, has moved `due_at`, and the work is done again. So whatever handles one must be safe to repeat.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from wix.models import WebhookDelivery
from wix.webhooks.token import Event
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY
from workers.database.rows import columns, instance
from workers.errors import PermanentError, WorkError

logger = logging.getLogger(__name__)

Status = WebhookDelivery.Status
CHANNEL = "webhook_arrived"

# Longer than a handler's calls to Wix take, with their waiting.
_TAKEN_SECONDS = 300
# One minute, then twice as long each time: ten tries take some seven hours, and Wix itself gives up after two days.
ATTEMPTS_MAX = 10
_BACKOFF_SECONDS, _BACKOFF_MAX_SECONDS = 60.0, 7_200.0
_PRUNED_AT_ONCE = 1_000


class Outcome(NamedTuple):
    status: Status
    message: str


# --- The web's side ---------------------------------------------------------------------------------------------------

# A resend only counts. But an event without a time and an id of its own (AppInstalled, AppRemoved) looks the same when the app is
# installed a second time; one that Wix signed later is worked on again, where it will be found whether it was news.
_STORE = """
INSERT INTO wix_webhookdelivery AS known
       (digest, event_type, instance_id, data, issued_at, happened_at, status, due_at, outcome)
VALUES (%(digest)s, %(event_type)s, %(instance_id)s, %(data)s, %(issued_at)s, %(happened_at)s, %(status)s,
        CASE WHEN %(status)s = 'received' THEN clock_timestamp() END, '')
    ON CONFLICT (digest) DO UPDATE SET received = known.received + 1 {again}
RETURNING due_at <= clock_timestamp()
"""
_AGAIN = ", ".join(
    f"{column} = CASE WHEN excluded.issued_at > known.issued_at THEN {value} ELSE known.{column} END"
    for column, value in {
        "status": "excluded.status",
        "due_at": "excluded.due_at",
        "attempts": "0",
        "issued_at": "excluded.issued_at",
    }.items()
)


def store(event: Event, *, known_type: bool) -> None:
    """In one statement. Returns when it is safe with us, so that Wix may be answered."""
    statement = _STORE.format(again=f", {_AGAIN}" if event.can_recur else "")
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "digest": event.digest,
                "event_type": event.event_type,
                "instance_id": event.instance_id,
                "data": json.dumps(event.data),
                "issued_at": event.issued_at,
                "happened_at": event.happened_at,
                "status": Status.RECEIVED if known_type else Status.IGNORED,
            },
        )
        is_due = cursor.fetchone()[0]
    if is_due:
        wakeup.notify(CHANNEL)


def note(event_type: str, instance_id: UUID, data: dict[str, Any], *, once: str) -> None:
    """An event of our own; nothing where there is one of this kind for this instance and `once`."""
    digest = hashlib.sha256(f"{event_type} {instance_id} {once}".encode()).hexdigest()
    row = WebhookDelivery(digest=digest, event_type=event_type, instance_id=instance_id, data=data)
    if WebhookDelivery.objects.filter(digest=digest).exists():
        return
    WebhookDelivery.objects.bulk_create([row], ignore_conflicts=True)
    wakeup.notify(CHANNEL)


def replay(chosen: QuerySet[WebhookDelivery]) -> int:
    """Staff want it worked on anew, whatever became of it."""
    count = chosen.update(status=Status.RECEIVED, due_at=ClockTimestamp(), attempts=0, processed_at=None)
    wakeup.notify(CHANNEL)
    return count


# --- The worker's side ------------------------------------------------------------------------------------------------

_TAKE = f"""
UPDATE wix_webhookdelivery taken
   SET due_at = clock_timestamp() + {_TAKEN_SECONDS} * interval '1 second', attempts = attempts + 1
 WHERE id = (SELECT id FROM wix_webhookdelivery WHERE due_at <= (SELECT clock_timestamp())
              ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {columns(WebhookDelivery, "taken")}
"""


def work_off(handle: Callable[[WebhookDelivery], Outcome], go_on: Callable[[], bool] = lambda: True) -> int:
    """One after the other until none is due, or it is not to go on; how many."""
    worked = 0
    while go_on() and (delivery := _take()):
        _work_on(delivery, handle)
        worked += 1
    return worked


def _take() -> WebhookDelivery | None:
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute(_TAKE)
        row = cursor.fetchone()
    return instance(WebhookDelivery, _from_database(row)) if row else None


def _from_database(row: Sequence[Any]) -> list[Any]:
    """A cursor of our own gets jsonb as text."""
    fields = WebhookDelivery._meta.concrete_fields
    return [
        json.loads(value) if field.attname == "data" and isinstance(value, str) else value
        for field, value in zip(fields, row, strict=True)
    ]


def _work_on(delivery: WebhookDelivery, handle: Callable[[WebhookDelivery], Outcome]) -> None:
    if delivery.attempts > ATTEMPTS_MAX:
        _finish(delivery, Outcome(Status.FAILED, "whoever worked on it died, each time"))
        return
    try:
        outcome = handle(delivery)
    except PermanentError as error:
        outcome = Outcome(Status.FAILED, f"{error.code}: {error.message}")
    except WorkError as error:
        _put_off(delivery, f"{error.code}: {error.message}", getattr(error, "retry_in", 0.0))
        return
    except DATABASE_AWAY:
        # Nothing can be written now; it is due again by itself.
        raise
    except Exception as error:
        # A bug of ours, in one event's handler, must not keep the others waiting.
        logger.exception("unexpected error in a webhook", extra=_about(delivery, "bug"))
        _put_off(delivery, f"unexpected: {type(error).__name__}", 0.0)
        return
    _finish(delivery, outcome)


def _put_off(delivery: WebhookDelivery, why: str, wait: float) -> None:
    if delivery.attempts >= ATTEMPTS_MAX:
        _finish(delivery, Outcome(Status.FAILED, why))
        return
    backoff = min(_BACKOFF_SECONDS * 2 ** (delivery.attempts - 1), _BACKOFF_MAX_SECONDS)
    _mine(delivery).update(due_at=seconds_from_now(max(backoff, wait)), outcome=why[:500])
    logger.info("webhook put off", extra=_about(delivery, "webhook"))


def _finish(delivery: WebhookDelivery, outcome: Outcome) -> None:
    done = {
        "status": outcome.status,
        "due_at": None,
        "processed_at": ClockTimestamp(),
        "outcome": outcome.message[:500],
    }
    if _mine(delivery).update(**done):
        level = logging.ERROR if outcome.status == Status.FAILED else logging.INFO
        logger.log(level, "webhook %s", outcome.status.value, extra=_about(delivery, "webhook"))


def _mine(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(pk=delivery.pk, due_at=delivery.due_at)


def _about(delivery: WebhookDelivery, action: str) -> dict[str, Any]:
    return {
        "action": action,
        "delivery": delivery.pk,
        "type": delivery.event_type,
        "instance": str(delivery.instance_id or ""),
        "attempt": delivery.attempts,
    }


# --- Keeping house ----------------------------------------------------------------------------------------------------

_PRUNE = """
DELETE FROM wix_webhookdelivery WHERE id IN (
    SELECT id FROM wix_webhookdelivery
     WHERE received_at < (SELECT clock_timestamp()) - %(days)s * interval '1 day' AND status IN ('done', 'ignored')
     ORDER BY received_at LIMIT %(limit)s)
"""


def prune() -> int:
    """What is old and over. What waits, or failed and nobody has looked at it, stays."""
    removed, last = 0, _PRUNED_AT_ONCE
    while last == _PRUNED_AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, {"days": settings.WEBHOOK_RETENTION_DAYS, "limit": _PRUNED_AT_ONCE})
            last = cursor.rowcount
        removed += last
    return removed
