"""The stages, one file each: plain data in, plain data out, network through `outbound.call`, no ORM and no open transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from blogs.models import Stage


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a stage may know. `seconds` is its deadline; `outputs` what the stages before it have produced."""

    generation_id: int
    instance_id: str
    site_name: str
    member_id: str | None
    source_type: str
    source_id: str
    language: str
    tone: str
    length: str
    attempt: int
    seconds: float
    outputs: Mapping[str, dict[str, Any]]
    draft_post_id: str | None
    draft_create_age: float | None
    """Seconds since a create of the draft was last begun, by PostgreSQL's clock; None: never."""
    note_draft_create: Callable[[], None]

    def of(self, stage: Stage) -> dict[str, Any]:
        return self.outputs[stage]
