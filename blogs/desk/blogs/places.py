"""Where an unfinished blog stands: each in exactly one place, by one expression that the first page and the list's filter share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, Value, When

from blogs.models import UNFINISHED, BlogGeneration, Status

# In the order in which staff read them. The providers' names are those of `waits_for`.
PLACES = {
    "processing": "processing",
    "ready": "ready, in line",
    "paused": "in a paused line",
    "openai": "waits for OpenAI",
    "replicate": "waits for Replicate",
    "wix": "waits for Wix",
    "retry": "waits for a retry or a limit",
    "scheduled": "scheduled by its shop",
}

_PLACE = Case(
    When(status=Status.PROCESSING, then=Value("processing")),
    When(site__line__paused=True, then=Value("paused")),
    When(ready=True, then=Value("ready")),
    When(~Q(waits_for=""), then=F("waits_for")),
    When(started_at=None, scheduled_at__isnull=False, then=Value("scheduled")),
    default=Value("retry"),
    output_field=CharField(),
)


@dataclass(frozen=True, slots=True)
class Place:
    """How many blogs stand there, and since when the oldest of them has been asked for."""

    name: str
    label: str
    count: int
    oldest: datetime | None


def counted() -> list[Place]:
    """Count all unfinished blogs by place; a place that has none is listed too."""
    unfinished = BlogGeneration.objects.filter(status__in=UNFINISHED).order_by().annotate(place=_PLACE)
    rows = unfinished.values_list("place").annotate(Count("pk"), Min("created_at"))
    found = {place: (count, oldest) for place, count, oldest in rows}
    labels = {**PLACES, **{place: f"waits for {place}" for place in found if place not in PLACES}}
    return [Place(name, label, *found.get(name, (0, None))) for name, label in labels.items()]


def standing(blogs: QuerySet[BlogGeneration], place: str) -> QuerySet[BlogGeneration]:
    """Leave those that stand there."""
    return blogs.filter(status__in=UNFINISHED).annotate(place=_PLACE).filter(place=place)


def in_words(blog: BlogGeneration) -> str:
    """Say what a waiting blog waits for, where no time tells; "" for all others. Reads its site's line."""
    if blog.status != Status.PENDING:
        return ""
    line = getattr(blog.site, "line", None)
    if line and line.paused:
        return "its shop's line is paused"
    label = PLACES.get(blog.waits_for, f"waits for {blog.waits_for}")
    return f"{label}, goes on when it is back" if blog.waits_for else ""
