"""What a shop asks for, for when, and whether it has asked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from blogs.models import BlogGeneration, Cover, GenerationEvent, Length, RequestDetails, Tone
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
    """A validated request. Its fields are named as those of the row.

    Language, tone and length may be left open by "", categories by None: then the site's profile says them (LEFT_OPEN in
    `statements.py`), or what `_UNSAID` has.
    """

    source_type: str
    source_id: str
    language: str
    tone: str
    length: str
    publish: bool
    scheduled_at: datetime | None = None
    publish_at: datetime | None = None
    cover: str = Cover.GENERATED
    categories: Sequence[str] | None = None
    time_zone: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    product_ids: Sequence[str] = ()
    instructions: str = ""
    on_duplicate: str = ""

    def columns(self) -> dict[str, Any]:
        columns = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _DETAILS}
        return columns | {"categories": None if self.categories is None else list(self.categories)}

    def details(self) -> RequestDetails:
        """Return what stands in a row of its own."""
        return RequestDetails(
            time_zone=self.time_zone,
            metadata=dict(self.metadata),
            product_ids=list(self.product_ids),
            instructions=self.instructions,
            on_duplicate=self.on_duplicate,
        )


_UNSAID: dict[str, Any] = {"language": "", "tone": Tone.FRIENDLY, "length": Length.MEDIUM, "categories": []}
_DETAILS = ("time_zone", "metadata", "product_ids", "instructions", "on_duplicate")


def details_of(generation: BlogGeneration) -> RequestDetails:
    """Return a blog's details; empty ones where its request had none."""
    try:
        return generation.details
    except RequestDetails.DoesNotExist:
        return RequestDetails(time_zone="", metadata={}, product_ids=[], instructions="", on_duplicate="")


def is_later(moment: datetime | None, *, field: str = "scheduledAt") -> bool:
    """Say whether a moment is in the future; None is now. Raises SchedulePassed."""
    now = timezone.now()
    if moment and moment < now - _LATE:
        raise SchedulePassed(field)
    return moment is not None and moment > now


def asked_before(site: Site, request: BlogRequest, key: str) -> BlogGeneration | None:
    """Return the blog that the site got with this idempotency key. Raises IdempotencyConflict if that was another request."""
    known = BlogGeneration.objects.select_related("details", "profile").filter(site=site, idempotency_key=key).first()
    if known is None:
        return None
    columns = _as_entered(request, known)
    differs = {name for name, value in columns.items() if getattr(known, name) != value}
    details, asked = details_of(known), request.details()
    differs |= {name for name in _DETAILS if getattr(details, name) != getattr(asked, name)}
    # A blog that was given another time since then still belongs to the same request.
    rescheduled = GenerationEvent.Kind.RESCHEDULED
    if differs and not (differs <= {"scheduled_at", "time_zone"} and known.events.filter(kind=rescheduled).exists()):
        raise IdempotencyConflict
    return known


def _as_entered(request: BlogRequest, known: BlogGeneration) -> dict[str, Any]:
    """Return the row's values that the request asks for, with what it leaves open from the profile that the blog has."""
    said = known.profile.settings if known.profile else {}
    return {
        name: value if value not in ("", None) or name not in _UNSAID else said.get(name, _UNSAID[name])
        for name, value in request.columns().items()
    }


def first_answers(answers: Mapping[int, str]) -> dict[int, str]:
    """Store the answers to the requests that made these blogs, and return them. Where one is stored already, it is that one."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_ANSWERS, [list(answers), list(answers.values())])
        return dict(cursor.fetchall())


_FIRST_ANSWERS = """
INSERT INTO blogs_requestdetails AS details (generation_id, answer) SELECT * FROM unnest(%s::bigint[], %s::text[])
ON CONFLICT (generation_id) DO UPDATE SET answer = coalesce(details.answer, excluded.answer)
RETURNING generation_id, answer
"""
