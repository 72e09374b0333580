"""What a shop asks for, for when, and whether it has asked before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from blogs.models import BlogGeneration, Cover, GenerationEvent
from wix.models import Site

# Clocks differ and requests travel, so a little late is now. Later than that is a mistake that the caller should hear of.
_LATE = timedelta(minutes=5)


class IdempotencyConflict(Exception):
    """The same idempotency key came with another request."""


class SchedulePassed(Exception):
    """The time that was asked for is over; `field` is its name in the API."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class BlogRequest:
    """A validated request. Its fields are named as those of the row."""

    source_type: str
    source_id: str
    language: str
    tone: str
    length: str
    publish: bool
    scheduled_at: datetime | None = None
    publish_at: datetime | None = None
    cover: str = Cover.GENERATED
    categories: Sequence[str] = ()

    def columns(self) -> dict[str, Any]:
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return columns | {"categories": list(self.categories)}


def is_later(moment: datetime | None, *, field: str = "scheduledAt") -> bool:
    """Say whether a moment is in the future; None is now. Raises SchedulePassed."""
    now = timezone.now()
    if moment and moment < now - _LATE:
        raise SchedulePassed(field)
    return moment is not None and moment > now


def asked_before(site: Site, request: BlogRequest, key: str) -> BlogGeneration | None:
    """Return the blog that the site got with this idempotency key. Raises IdempotencyConflict if that was another request."""
    known = BlogGeneration.objects.filter(site=site, idempotency_key=key).first()
    differs = {name for name, value in request.columns().items() if known and getattr(known, name) != value}
    # A blog that was given another time since then still belongs to the same request.
    rescheduled = GenerationEvent.Kind.RESCHEDULED
    if known and differs and not (differs == {"scheduled_at"} and known.events.filter(kind=rescheduled).exists()):
        raise IdempotencyConflict
    return known
