"""Where an unfinished blog stands: each in exactly one place, by one expression that the first page and the list's filter share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Case, CharField, Count, Exists, F, Min, Q, QuerySet, Value, When

from blogs.models import UNFINISHED, BlogGeneration, QueueClock, Status

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
    # The second is one row, read once: while all lines are paused, each is.
    When(Q(site__line__paused=True) | Exists(QueueClock.objects.filter(paused_at__isnull=False)), then=Value("paused")),
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


@dataclass(frozen=True, slots=True)
class Share:
    """A shop's part of all unfinished blogs."""

    site_id: int
    name: str
    unfinished: int
    share: float
    is_paused: bool


# What Django can't say: the blogs are read once, and added up by place and by shop.
_COUNTED = """
WITH standing AS MATERIALIZED ({standing}), largest AS (
    SELECT site_id, sum(blogs) AS blogs FROM standing GROUP BY site_id ORDER BY blogs DESC, site_id LIMIT %s
)
SELECT place, NULL::bigint AS site_id, NULL AS name, sum(blogs)::bigint AS blogs, min(oldest) AS oldest, NULL::boolean AS paused
  FROM standing GROUP BY place
UNION ALL
SELECT NULL, site.id, coalesce(nullif(site.name, ''), site.instance_id::text), largest.blogs::bigint, NULL,
       coalesce(line.paused, false)
  FROM largest JOIN wix_site site ON site.id = largest.site_id LEFT JOIN blogs_siteline line ON line.site_id = site.id
 ORDER BY blogs DESC, site_id
"""


def counted() -> list[Place]:
    """Count all unfinished blogs by place; a place that has none is listed too."""
    return counted_with_shops(0)[0]


def counted_with_shops(shops: int) -> tuple[list[Place], list[Share]]:
    """Count all unfinished blogs by place, and list the shops that have the most of them."""
    unfinished = BlogGeneration.objects.filter(status__in=UNFINISHED).order_by().annotate(place=_PLACE)
    standing = unfinished.values("place", "site_id").annotate(blogs=Count("pk"), oldest=Min("created_at"))
    sql, parameters = standing.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(standing=sql), [*parameters, shops])
        rows = cursor.fetchall()
    found = {place: (blogs, oldest) for place, site_id, _, blogs, oldest, _ in rows if site_id is None}
    labels = {**PLACES, **{place: f"waits for {place}" for place in found if place not in PLACES}}
    every = sum(blogs for blogs, _ in found.values())
    return (
        [Place(name, label, *found.get(name, (0, None))) for name, label in labels.items()],
        [
            Share(site, name, blogs, blogs / every, paused)
            for _, site, name, blogs, _, paused in rows
            if site is not None
        ],
    )


# What the expression implies of each place, said so that an index answers it. The providers' places follow from their names.
_IMPLIED = {
    "processing": Q(status=Status.PROCESSING),
    "ready": Q(ready=True),
    "paused": Q(status=Status.PENDING, site__line__paused=True),
    "retry": Q(status=Status.PENDING, ready=False, waits_for=""),
    "scheduled": Q(status=Status.PENDING, ready=False, started_at=None, scheduled_at__isnull=False),
}


def standing(blogs: QuerySet[BlogGeneration], place: str) -> QuerySet[BlogGeneration]:
    """Leave those that stand there."""
    implied = _IMPLIED.get(place) or Q(status=Status.PENDING, ready=False, waits_for=place)
    return blogs.filter(implied, status__in=UNFINISHED).annotate(place=_PLACE).filter(place=place)


def in_words(blog: BlogGeneration) -> str:
    """Say what a waiting blog waits for, where no time tells; "" for all others. Reads its site's line."""
    if blog.status != Status.PENDING:
        return ""
    line = getattr(blog.site, "line", None)
    if line and line.paused:
        return "its shop's line is paused"
    label = PLACES.get(blog.waits_for, f"waits for {blog.waits_for}")
    return f"{label}, goes on when it is back" if blog.waits_for else ""
