"""What has happened to a blog: its events, with a metric and a log line for each, so that they never disagree.

The moves call `record` inside their transactions. ENTER, CHECKPOINT and SUCCEED (`statements.py`) write their events themselves,
to be one round trip each; for those `announce` is called.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce

from blogs.models import BlogGeneration, GenerationEvent, Stage
from blogs.outgoing import outbox
from workers import metrics
from workers.errors import WorkError

logger = logging.getLogger(__name__)
Kind = GenerationEvent.Kind


@dataclass(frozen=True, slots=True)
class Saving:
    """A stage's output with its events: the checkpoint, its warnings, and how the blog ended if it did."""

    generation: BlogGeneration
    stage: Stage
    output: dict[str, Any]
    warnings: Sequence[WorkError] = ()
    outcome: Kind | None = None

    def parameters(self) -> dict[str, Any]:
        """Return what CHECKPOINT and SUCCEED take."""
        events = [{"kind": kind, "code": _code(error), "message": _message(error)} for kind, error in self._events()]
        return {
            "stage": self.stage,
            "output": json.dumps(self.output),
            "attempt": self.generation.attempts,
            "by": self.generation.worker_name,
            "events": json.dumps(events),
            "outcome": self.outcome,
            "told": json.dumps([{"type": event_type, "code": code} for event_type, code in self._told()]),
        }

    def _told(self) -> list[tuple[str, str]]:
        """List what the shop's own endpoints hear of a blog's end. A post that Wix is to publish later is not told of."""
        if self.outcome != Kind.DONE:
            return []
        told = [(outbox.BLOG_COMPLETED, "")]
        if self.stage == Stage.PUBLISH and self.output.get("post_id"):
            told.append((outbox.BLOG_PUBLISHED, ""))
        elif self.stage == Stage.PUBLISH and self.warnings:
            told.append((outbox.BLOG_PUBLISH_FAILED, self.warnings[0].code))
        return told

    def announce(self) -> None:
        """Count and log its events once the transaction has committed."""
        for kind, error in self._events():
            announce(self.generation, kind, self.stage, error)

    def _events(self) -> list[tuple[Kind, WorkError | None]]:
        warned = [(Kind.WARNING, warning) for warning in self.warnings]
        ended = [(self.outcome, None)] if self.outcome else []
        return [(Kind.CHECKPOINT, None), *warned, *ended]


def record(
    generation: BlogGeneration,
    kind: Kind,
    error: WorkError | None = None,
    *,
    stage: str = "",
    by: str = "",
    message: str = "",
) -> None:
    """Store an event now; count and log it once the transaction has committed."""
    stage = stage or generation.stage
    about: list[Any] = [generation.pk, kind, stage, generation.attempts, by or generation.worker_name]
    values: list[Any] = [*about, _code(error), _message(error) or message]
    with connection.cursor() as cursor:
        if kind in _TOLD:
            told: dict[str, Any] = {"site": generation.site_id, "type": _TOLD[kind], "blog": generation.pk}
            cursor.execute(_RECORD_AND_TELL, {"event": tuple(values), "code": _code(error), **told})
        else:
            cursor.execute(_RECORD, [tuple(values)])
    announce(generation, kind, stage, error)


def retries(generation: BlogGeneration) -> QuerySet[GenerationEvent]:
    """Return the events of its failures that were to be tried again, since it was asked for or staff last had it begin again."""
    return since_it_began(generation, Kind.RETRYING)


def since_it_began(generation: BlogGeneration, kind: Kind) -> QuerySet[GenerationEvent]:
    """Return its events of a kind, since it was asked for or staff last had it begin again."""
    began_again = generation.events.filter(kind=Kind.REQUEUED).order_by("-id").values("id")[:1]
    return generation.events.filter(kind=kind, id__gt=Coalesce(Subquery(began_again), 0))


# By these staff, or a shop's wish, have mended what the stage could not do (`post_orders/`).
MENDED = (Kind.PUBLISHED, Kind.DRAFT_MADE, Kind.ARTICLE_REVISED)


def warnings_that_hold(events: Iterable[GenerationEvent]) -> list[GenerationEvent]:
    """Return the warnings among a blog's events, which come newest first, but for those of a step that was mended since."""
    held, mended = list[GenerationEvent](), set[str]()
    for event in events:
        if event.kind in MENDED:
            mended |= {Stage.PUBLISH, event.stage}
            # Who published an article that was held has decided.
            mended |= {Stage.ARTICLE} if event.kind == Kind.PUBLISHED else set()
        elif event.kind == Kind.WARNING and event.stage not in mended:
            held.append(event)
    return held


def last_changes(ids: Sequence[int]) -> dict[int, datetime]:
    """Return when each of these blogs changed last: each move writes an event."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CHANGES, [list(ids)])
        return dict(cursor.fetchall())


_LAST_CHANGES = """
SELECT blog.id, last.created_at
  FROM unnest(%s::bigint[]) AS blog (id) CROSS JOIN LATERAL (
       SELECT created_at FROM blogs_generationevent WHERE generation_id = blog.id ORDER BY id DESC LIMIT 1) AS last
"""


def announce(generation: BlogGeneration, kind: Kind, stage: str = "", error: WorkError | None = None) -> None:
    """Count and log a stored event once the transaction has committed."""
    about = {"action": kind, "blog": generation.pk, "site": generation.site_id, "stage": stage or generation.stage}
    about |= {"attempt": generation.attempts, **({"code": error.code} if error else {})}
    level = logging.WARNING if kind in (Kind.FAILED, Kind.WARNING, Kind.RESCUED) else logging.INFO
    transaction.on_commit(partial(_announce, kind, level, about))


_RECORD = """
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
VALUES %s
"""
# What the shop's own endpoints hear of; the rest of it is in the long statements.
_TOLD = {
    Kind.FAILED: outbox.BLOG_FAILED,
    Kind.CANCELLED: outbox.BLOG_CANCELLED,
    Kind.REQUEUED: outbox.BLOG_QUEUED,
    Kind.PUBLISHED: outbox.BLOG_PUBLISHED,
}
_RECORD_AND_TELL = f"WITH event AS ({_RECORD.replace('%s', '%(event)s')}) {outbox.TELL_ONE}"


def _code(error: WorkError | None) -> str:
    return error.code if error else ""


def _message(error: WorkError | None) -> str:
    return error.message if error else ""


# Ordinary steps, which the stages' seconds count, and what staff and shops do to a blog's place in line.
_UNCOUNTED = {Kind.CHECKPOINT, Kind.PUT_FIRST, Kind.RESCHEDULED, Kind.CANCEL_REQUESTED}
_COUNTED = {Kind.DONE: metrics.DONE, Kind.FAILED: metrics.FAILED}


def _announce(kind: Kind, level: int, about: dict[str, Any]) -> None:
    if kind not in _UNCOUNTED:
        metrics.count(metrics.EVENTS, kind.value, about.get("code", ""))
    if kind in _COUNTED:
        metrics.count(_COUNTED[kind])
    logger.log(level, "blog %s", kind, extra=about)
