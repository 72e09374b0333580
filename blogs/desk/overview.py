"""The first page of the desk: how the service is doing, read in one transaction, each number with a way to what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from blogs.desk.base import span
from blogs.desk.blogs import places
from blogs.desk.blogs.places import Place
from blogs.desk.sites import site_lines
from blogs.operations import health
from workers.pool import heartbeat

# How many of the shops with the most unfinished blogs are listed.
_SHOPS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Failures:
    """The blogs that failed with this code within the last hour."""

    code: str
    count: int
    shops: int


@dataclass(frozen=True, slots=True)
class Share:
    """A shop's part of all unfinished blogs."""

    site_id: int
    name: str
    unfinished: int
    share: float


def state() -> dict[str, Any]:
    """Read all that the first page shows."""
    with transaction.atomic():
        service, found = health.service(), places.counted()
        return {
            **service.queue,
            "limit": f"{service.queue['queue_limit']:,}",
            "workers": service.workers,
            "seats": service.seats,
            "in_flight": service.in_flight,
            "limits": heartbeat.limiter_use(),
            "alerts": service.alerts,
            "idle_with_work": service.is_idle_with_work,
            "providers_down": service.providers_down,
            "places": [(place, _link(place), _age(place)) for place in found],
            "failures": failures(),
            "paused": site_lines.paused_lines(),
            "shops": shares(sum(place.count for place in found)),
        }


def _link(place: Place) -> str:
    return f"{reverse('admin:blogs_bloggeneration_changelist')}?where={place.name}"


def _age(place: Place) -> str:
    return span((timezone.now() - place.oldest).total_seconds()) if place.oldest else ""


_FAILURES = """
SELECT error_code, count(*), count(DISTINCT site_id) FROM blog_generations
 WHERE status = 'FAILED' AND finished_at > statement_timestamp() - interval '1 hour'
 GROUP BY error_code ORDER BY count(*) DESC LIMIT 20
"""
_SHARES = """
SELECT site_id, coalesce(nullif(site.name, ''), site.instance_id::text), count(*)
  FROM blog_generations JOIN wix_site site ON site.id = site_id
 WHERE status IN ('PENDING', 'PROCESSING') GROUP BY site_id, site.name, site.instance_id ORDER BY count(*) DESC LIMIT %s
"""


def failures() -> list[Failures]:
    """Group the failures of the last hour by code, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILURES)
        return [Failures(*row) for row in cursor.fetchall()]


def shares(unfinished: int) -> list[Share]:
    """List the shops with the most unfinished blogs."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARES, [_SHOPS_SHOWN])
        return [Share(site_id, name, count, count / max(1, unfinished)) for site_id, name, count in cursor.fetchall()]
