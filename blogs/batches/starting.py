"""How a batch begins, is stopped, and is undone."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from blogs import audit
from blogs.audit import Actor
from blogs.batches.moves import MOVES, Options
from blogs.models import Batch, BatchItem, BlogGeneration
from workers.database import wakeup
from workers.database.clock import ClockTimestamp

# One more would be a mistake more often than a wish. It bounds the rows that one click writes, too.
BLOGS_MAX = 100_000
CHANNEL = "batch_is_there"


class TooMany(Exception):
    """More blogs are chosen than one batch takes; str() says so to staff."""


def start(
    actor: Actor, action: str, chosen: QuerySet[BlogGeneration], *, in_words: str, reason: str, options: Options
) -> Batch:
    """Store a batch over the blogs that are chosen at this moment. Raises TooMany."""
    with transaction.atomic():
        batch = Batch.objects.create(
            action=action,
            options=dict(options),
            chosen=in_words[:500],
            reason=reason,
            by=actor.name,
            user_id=actor.user_id,
        )
        _take(batch, chosen)
        audit.record(actor, action, batch, reason=reason, after={"blogs": batch.total, "chosen": batch.chosen})
    wakeup.notify(CHANNEL)
    return batch


def stop(actor: Actor, batch_id: int) -> bool:
    """Let a batch do no more. What it has done stays done. False: it had ended before."""
    with transaction.atomic():
        batch = Batch.objects.select_for_update().get(pk=batch_id)
        if batch.ended_at:
            return False
        left = BatchItem.objects.filter(batch=batch, state=BatchItem.State.WAITING)
        stopped = left.update(state=BatchItem.State.STOPPED, result="the batch was stopped")
        Batch.objects.filter(pk=batch_id).update(ended_at=ClockTimestamp(), stopped_by=actor.name)
        audit.record(actor, "stop_batch", batch, after={"not done": stopped})
    return True


def undo(actor: Actor, batch_id: int, *, reason: str) -> Batch | None:
    """Start the batch that takes back what this one did. None: it can't be undone, is not over, or was undone before."""
    with transaction.atomic():
        batch = Batch.objects.select_for_update().get(pk=batch_id)
        action = MOVES[batch.action].undone_by
        if not action or not batch.ended_at or Batch.objects.filter(undoes=batch).exists():
            return None
        done = BatchItem.objects.filter(batch=batch, state=BatchItem.State.DONE).values("blog_id")
        undoing = Batch.objects.create(
            action=action,
            chosen=f"what batch {batch.pk} did",
            reason=reason,
            by=actor.name,
            user_id=actor.user_id,
            undoes=batch,
        )
        _take(undoing, BlogGeneration.objects.filter(pk__in=done))
        audit.record(actor, action, undoing, reason=reason, after={"blogs": undoing.total, "undoes": batch.pk})
    wakeup.notify(CHANNEL)
    return undoing


def _take(batch: Batch, chosen: QuerySet[BlogGeneration]) -> None:
    """Write an item a blog, in one statement, so that no blog moves in or out of the filter meanwhile."""
    # Django has no statement for a filter that can't match.
    with suppress(EmptyResultSet), connection.cursor() as cursor:
        sql, parameters = _ids(chosen)
        cursor.execute(_TAKE.format(ids=sql), [*parameters, batch.pk])
        batch.total = cursor.rowcount
    if batch.total > BLOGS_MAX:
        raise TooMany(f"More than {BLOGS_MAX:,} blogs are chosen; narrow the filter.")
    Batch.objects.filter(pk=batch.pk).update(
        total=batch.total, **({} if batch.total else {"ended_at": ClockTimestamp()})
    )


def _ids(chosen: QuerySet[BlogGeneration]) -> tuple[str, tuple[Any, ...]]:
    return chosen.order_by("pk").values("pk")[: BLOGS_MAX + 1].query.sql_with_params()


_TAKE = """
WITH chosen (id) AS ({ids})
INSERT INTO blogs_batchitem (batch_id, blog_id, state, result) SELECT %s, id, 'waiting', '' FROM chosen ORDER BY id
"""
