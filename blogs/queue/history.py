"""What has happened to a blog: its saved outputs, its events, and a log line for each, so that they never disagree.

Called by `lifecycle` only: `record` inside its transactions; `SUBMITTED` and `SAVED` as parts of those of its statements that must
be one round trip each.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction

from blogs.models import BlogGeneration, GenerationEvent, Stage
from workers import metrics
from workers.errors import WorkError

logger = logging.getLogger(__name__)
Kind = GenerationEvent.Kind


# What follows a CTE named `mine`, which holds the blog's id if it was still ours to write. A commit whose answer was lost in an
# outage is tried again: the output may be there already, and its event with it.
SAVED = """
saved AS (
    INSERT INTO blogs_stageoutput (generation_id, stage, output) SELECT id, %(stage)s, %(output)s::jsonb FROM mine
    ON CONFLICT (generation_id, stage) DO NOTHING
    RETURNING generation_id
), told AS (
    INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
    SELECT mine.id, event.kind, %(stage)s, %(attempt)s, %(worker)s, event.code, event.message
      FROM mine LEFT JOIN saved ON saved.generation_id = mine.id,
           jsonb_to_recordset(%(events)s) AS event(kind text, code text, message text)
     WHERE saved.generation_id IS NOT NULL OR event.kind = %(outcome)s
)
"""


# Of a blog that a CTE named `blog` has just stored.
SUBMITTED = f"""
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
SELECT id, '{Kind.SUBMITTED}', stage, attempts, '', '', '' FROM blog
RETURNING generation_id
"""


@dataclass(frozen=True, slots=True)
class Saving:
    """A stage's output with its events: the checkpoint itself, its warnings, and how the blog ended if it did."""

    generation: BlogGeneration
    stage: Stage
    output: dict[str, Any]
    warnings: Sequence[WorkError] = ()
    outcome: Kind | None = None

    def parameters(self) -> dict[str, Any]:
        """For `SAVED`."""
        events = [{"kind": kind, "code": _code(error), "message": _message(error)} for kind, error in self._events()]
        return {
            "stage": self.stage,
            "output": json.dumps(self.output),
            "attempt": self.generation.attempts,
            "worker": self.generation.worker_name,
            "events": json.dumps(events),
            "outcome": self.outcome,
        }

    def announce(self) -> None:
        """Once the transaction has committed."""
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
    """The event now, its log line once the transaction has committed."""
    stage = stage or generation.stage
    about: list[Any] = [generation.pk, kind, stage, generation.attempts, by or generation.worker_name]
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [*about, _code(error), _message(error) or message])
    announce(generation, kind, stage, error)


def announce(generation: BlogGeneration, kind: Kind, stage: str = "", error: WorkError | None = None) -> None:
    """The log line of an event, once the transaction has committed."""
    about = {"action": kind, "blog": generation.pk, "site": generation.site_id, "stage": stage or generation.stage}
    about |= {"attempt": generation.attempts, **({"code": error.code} if error else {})}
    level = logging.WARNING if kind in (Kind.FAILED, Kind.WARNING, Kind.RESCUED) else logging.INFO
    transaction.on_commit(partial(_announce, kind, level, about))


_RECORD = """
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


def _code(error: WorkError | None) -> str:
    return error.code if error else ""


def _message(error: WorkError | None) -> str:
    return error.message if error else ""


def _announce(kind: Kind, level: int, about: dict[str, Any]) -> None:
    metrics.count("work", kind)
    logger.log(level, "blog %s", kind, extra=about)
