"""Whether the queue takes another blog: a full queue says so at the door, before credits are held."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from blogs import forecast
from blogs.models import BlogGeneration, SiteLine, Status

# How old the count may be. It can overshoot by what arrives in that time, which is cheaper than counting each time.
_FRESH_SECONDS = 1.0


class NoRoom(Exception):
    """The queue, or this site's part of it, is full. `retry_after` in seconds."""

    def __init__(self, code: str, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


@dataclass(slots=True)
class _Count:
    value: int = 0
    read_at: float = field(default=float("-inf"))


_ready = _Count()


def require_room(site_id: int, *, scheduled: bool) -> None:
    """Raises NoRoom."""
    if scheduled:
        _require_room_to_schedule(site_id)
        return
    limit = settings.BLOG_QUEUE_LIMIT
    ready = ready_count()
    if ready >= limit:
        raise NoRoom("queue_full", f"The queue is full: {limit} blogs are waiting.", retry_after=_retry_after(ready))
    # One shop may not take the whole queue from the others.
    of_site = SiteLine.objects.filter(pk=site_id).values_list("waiting", flat=True).first() or 0
    if of_site >= limit // 2:
        raise NoRoom(
            "site_queue_full", f"{of_site} blogs of this site are waiting already.", retry_after=_retry_after(of_site)
        )


def ready_count() -> int:
    """Blogs in all lines, counted no further than the limit, and at most a second old."""
    now = time.monotonic()
    if now - _ready.read_at > _FRESH_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT 1 FROM blog_generations WHERE ready LIMIT %s) AS ready",
                [settings.BLOG_QUEUE_LIMIT],
            )
            _ready.value = cursor.fetchone()[0]
        _ready.read_at = now
    return _ready.value


def forget_count() -> None:
    """For tests: the next look counts."""
    _ready.read_at = float("-inf")


def _require_room_to_schedule(site_id: int) -> None:
    limit = settings.BLOG_SCHEDULED_LIMIT_PER_SITE
    waiting = BlogGeneration.objects.filter(
        site_id=site_id, status=Status.PENDING, ready=False, scheduled_at__isnull=False
    )
    if waiting[:limit].count() >= limit:
        raise NoRoom("schedule_full", f"{limit} blogs of this site are scheduled already.", retry_after=3600)


def _retry_after(waiting: int) -> int:
    """Time for a tenth of them, within reason."""
    return int(min(max(forecast.seconds_for(waiting // 10), 10), 600))
