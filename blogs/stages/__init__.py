"""The stages, one file each: plain data in, plain data out, network through `outbound.call`, no open transaction, and no ORM but
what `wix` keeps of a shop behind its functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blogs.models import Stage
from workers.errors import WorkError


def warnings_lead_nowhere(error: WorkError) -> None:
    raise AssertionError("only a running stage can warn") from error


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a stage may know. `seconds` is its deadline; `outputs` what the stages before it have produced."""

    generation_id: int
    instance_id: str
    site_name: str
    site_url: str
    member_id: str | None
    source_type: str
    source_id: str
    language: str
    tone: str
    length: str
    cover: str
    categories: Sequence[str]
    publish_at: datetime | None
    attempt: int
    seconds: float
    outputs: Mapping[str, dict[str, Any]]
    draft_post_id: str | None
    draft_create_age: float | None
    """Seconds since a create of the draft was last begun, by PostgreSQL's clock; None: never."""
    note_draft_create: Callable[[], None]
    warn: Callable[[WorkError], None] = warnings_lead_nowhere
    """For what goes wrong without keeping the stage from its end: told beside its output."""
    resumed: bool = False
    """This stage may have been begun before, and what it did outside may be there."""

    def of(self, stage: Stage) -> dict[str, Any]:
        return self.outputs[stage]
