"""Webhooks between their arrival and their work: the web stores and answers them, a worker takes each.

A worker takes a delivery by moving its `due_at` ahead and committing. So a killed worker's delivery is due again some minutes
later, and no transaction waits for the network. Only the worker that took it last may finish it: if `due_at` has moved meanwhile,
by a resend or by another worker after a long pause, the work is done again. So handling a delivery must be safe to repeat.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from wix.models import WebhookDelivery
from wix.webhooks.token import Event
from workers import metrics
from workers.database import wakeup
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards
from workers.database.outage import DATABASE_AWAY
from workers.database.rows import columns, instance
from workers.errors import PermanentError, WorkError
from workers.texts import cut

logger = logging.getLogger(__name__)

Status = WebhookDelivery.Status
CHANNEL = "webhook_arrived"

# How long a worker has: longer than a handler's calls to Wix take, with their waiting.
_TAKEN_SECONDS = 300
# The pause is one minute, then twice as long each time: ten tries take about seven hours. Wix itself gives up after two days.
ATTEMPTS_MAX = 10
_BACKOFF_SECONDS, _BACKOFF_MAX_SECONDS = 60.0, 7_200.0
_PRUNED_AT_ONCE = 1_000
_OUTCOME_MAX = 500


class Outcome(NamedTuple):
    status: Status
    message: str


# --- The web's side ---------------------------------------------------------------------------------------------------

# A resend has the digest of an event that we know: it only adds one to `received`. Exceptions are events without a time and
# without an id of their own (AppInstalled, AppRemoved): a second install of the app has the digest of the first. So one of those
# that Wix signed later than the one we know is handled again, and the handler finds out whether it is news.
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
    """Store an event, in one statement. When this returns it is committed, and Wix may be answered."""
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
    """Store an event of our own, unless there is one of this type for this instance and `once`."""
    digest = hashlib.sha256(f"{event_type} {instance_id} {once}".encode()).hexdigest()
    row = WebhookDelivery(digest=digest, event_type=event_type, instance_id=instance_id, data=data)
    if WebhookDelivery.objects.filter(digest=digest).exists():
        return
    WebhookDelivery.objects.bulk_create([row], ignore_conflicts=True)
    wakeup.notify(CHANNEL)


def replay(chosen: QuerySet[WebhookDelivery]) -> int:
    """Have deliveries handled again, whatever became of them: staff ask for it. Return how many."""
    count = chosen.update(status=Status.RECEIVED, due_at=ClockTimestamp(), attempts=0, processed_at=None)
    transaction.on_commit(partial(wakeup.notify, CHANNEL))
    return count


def leave_failed(chosen: QuerySet[WebhookDelivery]) -> int:
    """Leave failed deliveries as they are, so that no alert counts them. Return how many."""
    return chosen.filter(status=Status.FAILED).update(status=Status.IGNORED)


# --- The worker's side ------------------------------------------------------------------------------------------------

_TAKE = f"""
UPDATE wix_webhookdelivery taken
   SET due_at = clock_timestamp() + {_TAKEN_SECONDS} * interval '1 second', attempts = attempts + 1
 WHERE id = (SELECT id FROM wix_webhookdelivery WHERE due_at <= (SELECT clock_timestamp())
              ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {columns(WebhookDelivery, "taken")}
"""


def work_off(handle: Callable[[WebhookDelivery], Outcome], go_on: Callable[[], bool] = lambda: True) -> int:
    """Handle one delivery after the other, until none is due or `go_on` says no; return how many."""
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
    """Decode `data`: a plain cursor returns jsonb as text."""
    fields = WebhookDelivery._meta.concrete_fields
    return [
        json.loads(value) if field.attname == "data" and isinstance(value, str) else value
        for field, value in zip(fields, row, strict=True)
    ]


def _work_on(delivery: WebhookDelivery, handle: Callable[[WebhookDelivery], Outcome]) -> None:
    if delivery.attempts > ATTEMPTS_MAX:
        _finish(delivery, Outcome(Status.FAILED, "its worker died, each time"))
        return
    try:
        outcome = handle(delivery)
    except PermanentError as error:
        outcome = Outcome(Status.FAILED, f"{error.code}: {error.message}")
    except WorkError as error:
        _put_off(delivery, f"{error.code}: {error.message}", getattr(error, "retry_in", 0.0))
        return
    except DATABASE_AWAY:
        # Nothing can be written now. The delivery is due again when our time for it is over.
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
    _mine(delivery).update(due_at=seconds_from_now(max(backoff, wait)), outcome=cut(why, _OUTCOME_MAX))
    metrics.count(metrics.WEBHOOKS_HANDLED, "put_off")
    logger.info("webhook put off", extra=_about(delivery, "webhook"))


def _finish(delivery: WebhookDelivery, outcome: Outcome) -> None:
    done = {
        "status": outcome.status,
        "due_at": None,
        "processed_at": ClockTimestamp(),
        "outcome": cut(outcome.message, _OUTCOME_MAX),
    }
    if _mine(delivery).update(**done):
        metrics.count(metrics.WEBHOOKS_HANDLED, outcome.status.value)
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
    """Remove old deliveries that are done or ignored; return how many. Those that wait or failed stay, for staff to see."""
    removed, last = 0, _PRUNED_AT_ONCE
    while last == _PRUNED_AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, {"days": settings.WEBHOOK_RETENTION_DAYS, "limit": _PRUNED_AT_ONCE})
            last = cursor.rowcount
        removed += last
    return removed
