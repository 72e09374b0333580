"""How the workers carry out batches: in portions, at one pace for all workers together, each blog exactly once.

A portion belongs to the worker whose UPDATE moves the batch's `portion_at` on. The move of a blog and the state of its item are one
transaction: a worker that is killed leaves either both or neither. Providers see no flood, because a retried blog stands in its
shop's line like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import connection, transaction

from blogs.audit import Actor
from blogs.batches import moves
from blogs.batches.moves import MOVES, Skipped
from blogs.models import Batch, BatchItem
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

State = BatchItem.State


def work_off(go_on: Callable[[], bool] = lambda: True) -> float | None:
    """Carry out the next portion of the batch that is due first, until `go_on` says no.

    Return in how many seconds to call again; None: no batch is open.
    """
    if batch := _due():
        for _ in range(settings.BATCH_BLOGS_PER_SECOND):
            if not go_on() or not _one(batch):
                break
        _end(batch)
    return _seconds_to_next()


def _one(batch: Batch) -> bool:
    """Carry out one item. False: none is left, or none that no other worker has at this moment."""
    with transaction.atomic():
        waiting = BatchItem.objects.filter(batch=batch, state=State.WAITING).order_by("id")
        item = waiting.select_for_update(skip_locked=True, of=("self",)).first()
        if item is None:
            return False
        item.state, item.result = _outcome(batch, item.blog_id)
        item.save(update_fields=["state", "result"])
    return True


def _outcome(batch: Batch, blog_id: int) -> tuple[State, str]:
    by = Actor(batch.by, batch.user_id)
    try:
        with transaction.atomic():  # what a refused move has locked or written is undone, and the item's state is kept
            done = moves.carry_out(MOVES[batch.action], blog_id, by=by, reason=batch.reason, options=batch.options)
            return State.DONE, done
    except Skipped as because:
        return State.SKIPPED, str(because)[:200]
    except DATABASE_AWAY:
        raise
    except Exception:
        # A bug of ours with this one blog: the batch goes on with the next.
        logger.exception("unexpected error in a batch", extra={"action": "bug", "batch": batch.pk, "blog": blog_id})
        return State.SKIPPED, "an error of ours; an engineer has to look"


_DUE = """
UPDATE blogs_batch SET portion_at = clock_timestamp() + interval '1 second'
 WHERE id = (SELECT id FROM blogs_batch WHERE ended_at IS NULL AND portion_at <= (SELECT clock_timestamp())
              ORDER BY portion_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""


def _due() -> Batch | None:
    return next(iter(Batch.objects.raw(_DUE)), None)


def _end(batch: Batch) -> None:
    """End the batch if no item of it waits, held by another worker or not."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [batch.pk])
        ended = cursor.rowcount
    if ended:
        logger.info("batch over", extra={"action": "batch_ended", "batch": batch.pk})


_END = """
UPDATE blogs_batch SET ended_at = clock_timestamp() WHERE id = %s AND ended_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM blogs_batchitem WHERE batch_id = blogs_batch.id AND state = 'waiting')
"""


def _seconds_to_next() -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(portion_at) - clock_timestamp()) FROM blogs_batch WHERE ended_at IS NULL"
        )
        (seconds,) = cursor.fetchone()
    return None if seconds is None else max(0.05, float(seconds))
