"""What has happened to a blog: its saved outputs, its events, and a log line for each, so that they never disagree.

Called by `lifecycle` only, inside its transactions.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction

from blogs.models import BlogGeneration, GenerationEvent, Stage, StageOutput
from workers import metrics
from workers.errors import WorkError

logger = logging.getLogger(__name__)
Kind = GenerationEvent.Kind


def save_output(generation: BlogGeneration, stage: Stage, output: dict[str, Any], warning: WorkError | None) -> None:
    # A commit whose answer was lost in an outage is tried again: the output may be there already.
    saved = StageOutput(generation=generation, stage=stage, output=output)
    StageOutput.objects.bulk_create([saved], ignore_conflicts=True)
    record(generation, Kind.CHECKPOINT, stage=stage)
    if warning:
        record(generation, Kind.WARNING, warning, stage=stage)


def record(
    generation: BlogGeneration,
    kind: Kind,
    error: WorkError | None = None,
    *,
    stage: str = "",
    worker: str = "",
    message: str = "",
) -> None:
    """The event now, its log line once the transaction has committed."""
    event = GenerationEvent.objects.create(
        generation_id=generation.pk,
        kind=kind,
        stage=stage or generation.stage,
        attempt=generation.attempts,
        worker=worker or generation.worker_name,
        code=error.code if error else "",
        message=error.message if error else message,
    )
    level = logging.WARNING if kind in (Kind.FAILED, Kind.WARNING, Kind.RESCUED) else logging.INFO
    ids = {"action": event.kind, "blog": generation.pk, "site": generation.site_id, "stage": event.stage}
    about = {**ids, "attempt": event.attempt, **({"code": event.code} if error else {})}
    transaction.on_commit(partial(_announce, level, kind, about))


def _announce(level: int, kind: Kind, about: dict[str, Any]) -> None:
    metrics.count("work", kind)
    logger.log(level, "blog %s", kind, extra=about)
