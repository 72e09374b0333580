"""Whose turn it is: a worker takes an endpoint for a while, and is the only one that sends to it.

Endpoints take turns, the one that was served longest ago first, so a shop with one message does not wait behind a shop with five
thousand. An endpoint that was slow in the last hour is served by threads of its own: it keeps only other slow ones waiting. What a
worker writes at the end of its turn it writes only if the turn is still its own.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from blogs.models import WebhookEndpoint, WebhookMessage
from workers.database.clock import ClockTimestamp, seconds_from_now
from workers.database.connections import released_afterwards

# The whole of one sending, with its look-up and the wait for its place, and time to write down what came of it.
TURN_SECONDS = 45.0
COUNTED = 10_000

# The order by both columns is that of the partial index alone: another index would lead past all that is over.
# By it this steps from endpoint to endpoint that has anything waiting, past the thousands of messages that each may have.
_TAKE = """
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id FROM blogs_webhookmessage WHERE due_at IS NOT NULL ORDER BY endpoint_id, due_at LIMIT 1)
    UNION ALL
    SELECT (SELECT next.endpoint_id FROM blogs_webhookmessage next
             WHERE next.due_at IS NOT NULL AND next.endpoint_id > waiting.endpoint_id
             ORDER BY next.endpoint_id, next.due_at LIMIT 1)
      FROM waiting WHERE waiting.endpoint_id IS NOT NULL
)
UPDATE blogs_webhookendpoint
   SET taken_until = clock_timestamp() + %(turn)s * interval '1 second', taken_by = %(by)s, tried_at = clock_timestamp()
 WHERE id = (
    SELECT endpoint.id FROM blogs_webhookendpoint endpoint
     WHERE endpoint.id IN (SELECT endpoint_id FROM waiting)
       AND endpoint.off_at IS NULL
       AND coalesce(endpoint.slow_until > statement_timestamp(), false) = %(slow)s
       AND coalesce(endpoint.taken_until < statement_timestamp(), true)
       AND coalesce(endpoint.rests_until < statement_timestamp(), true)
       AND EXISTS (SELECT FROM blogs_webhookmessage message
                    WHERE message.endpoint_id = endpoint.id AND message.due_at <= statement_timestamp())
     ORDER BY endpoint.tried_at NULLS FIRST, endpoint.id LIMIT 1
       FOR UPDATE OF endpoint SKIP LOCKED)
RETURNING *
"""
# A resting endpoint is late by its own doing.
_LATE = f"""
SELECT (SELECT count(*) FROM (SELECT FROM blogs_webhookmessage WHERE due_at IS NOT NULL LIMIT {COUNTED}) AS waiting),
       coalesce(extract(epoch FROM statement_timestamp() - min(first.due_at)), 0)::float
  FROM blogs_webhookendpoint endpoint CROSS JOIN LATERAL (
       SELECT due_at FROM blogs_webhookmessage
        WHERE endpoint_id = endpoint.id AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS first
 WHERE endpoint.off_at IS NULL AND coalesce(endpoint.rests_until < statement_timestamp(), true)
"""
_ANY = "SELECT EXISTS (SELECT FROM blogs_webhookendpoint WHERE off_at IS NULL)"


def take(*, slow: bool) -> WebhookEndpoint | None:
    """Take the endpoint whose turn it is; None: nothing is due."""
    with released_afterwards():
        values = {"turn": TURN_SECONDS, "by": uuid.uuid4(), "slow": slow}
        return next(iter(WebhookEndpoint.objects.raw(_TAKE, values)), None)


def mine(endpoint: WebhookEndpoint) -> QuerySet[WebhookEndpoint]:
    """Select the row if this turn is still ours and the endpoint still on."""
    return WebhookEndpoint.objects.filter(pk=endpoint.pk, taken_by=endpoint.taken_by, off_at=None)


def go_on(endpoint: WebhookEndpoint) -> bool:
    """Make the turn longer, for one more message. False: it is not ours any more."""
    return mine(endpoint).update(taken_until=seconds_from_now(TURN_SECONDS)) > 0


def give_up(endpoint: WebhookEndpoint) -> None:
    """End the turn."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk, taken_by=endpoint.taken_by).update(taken_until=None, taken_by=None)


def next_message(endpoint: WebhookEndpoint) -> WebhookMessage | None:
    due: dict[str, Any] = {"due_at__isnull": False, "due_at__lte": ClockTimestamp()}
    return WebhookMessage.objects.filter(endpoint=endpoint, **due).order_by("due_at", "id").first()


def any_endpoint() -> bool:
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute(_ANY)
        return bool(cursor.fetchone()[0])


def waiting() -> tuple[int, float]:
    """Return how many messages wait, counted up to 10,000, and for how many seconds one of them has been due at most."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE)
        number, late = cursor.fetchone()
    return int(number), max(0.0, float(late))
