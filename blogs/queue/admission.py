"""Whether the queue takes another blog: a full queue says so at the door, before credits are held."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from blogs.models import UNFINISHED, BlogGeneration, SiteLine, Status
from blogs.queue import forecast
from workers.context.process_memory import remembered

# How old the count may be. It can overshoot by what arrives in that time, which is cheaper than counting each time.
_FRESH_SECONDS = 1.0
PLAN_LIMIT = "plan_limit"


class NoRoom(Exception):
    """The queue, or this site's part of it, is full. `estimated_wait` in seconds: until what waits has started."""

    def __init__(self, code: str, message: str, *, estimated_wait: float) -> None:
        super().__init__(message)
        self.code = code
        self.estimated_wait = round(estimated_wait)
        # There is room again long before that: when a tenth of it has started, and it is worth another try within ten minutes.
        self.retry_after = int(min(max(estimated_wait / 10, 10), 600))


@dataclass(slots=True)
class _Count:
    value: int = 0
    read_at: float = field(default=float("-inf"))

    def clear(self) -> None:
        self.read_at = float("-inf")


_ready = remembered(_Count())

# Paused lines keep nobody waiting, and must not keep others out.
_READY = """
SELECT (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE ready AND site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused) LIMIT %(limit)s) AS ready)
     + (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE status = 'PENDING' AND NOT ready AND waits_for <> '' LIMIT %(limit)s) AS held_up)
"""


def require_room(site_id: int, *, scheduled: bool) -> None:
    """In the queue, and in this site's part of it. Raises NoRoom."""
    require_room_in_queue(site_id, scheduled=scheduled)
    line = SiteLine.objects.filter(pk=site_id).first() or SiteLine()
    require_room_of_site(line.waiting, scheduled=scheduled)


def require_room_in_queue(site_id: int, *, scheduled: bool) -> None:
    """Raises NoRoom."""
    if scheduled:
        _require_room_to_schedule(site_id)
        return
    limit = settings.BLOG_QUEUE_LIMIT
    ready = ready_count()
    if ready >= limit:
        raise NoRoom(
            "queue_full", f"The queue is full: {limit} blogs are waiting.", estimated_wait=forecast.seconds_for(ready)
        )


def places_of_a_site() -> int:
    """One shop may not take the whole queue from the others."""
    return int(settings.BLOG_QUEUE_LIMIT // 2)


def require_room_in_plan(site_id: int, open_max: int) -> None:
    """Raises NoRoom. Exact where the site's account is locked. What is scheduled counts too, or a plan's limit could be put off."""
    unfinished = BlogGeneration.objects.filter(site_id=site_id, status__in=UNFINISHED)[:open_max].count()
    if unfinished >= open_max:
        raise NoRoom(
            PLAN_LIMIT,
            f"{unfinished} blogs of this site are unfinished, as many as its plan allows; a larger plan allows more.",
            estimated_wait=forecast.seconds_for(unfinished),
        )


def require_room_of_site(waiting: int, *, scheduled: bool) -> None:
    """Raises NoRoom. `waiting`: the blogs in its line."""
    if not scheduled and waiting >= places_of_a_site():
        raise NoRoom(
            "site_queue_full",
            f"{waiting} blogs of this site are waiting already.",
            estimated_wait=forecast.seconds_for(waiting),
        )


def ready_count() -> int:
    """Blogs in all lines, and those that are back in them when a provider is back: counted no further than the limit, and at most a
    second old."""
    now = time.monotonic()
    if now - _ready.read_at > _FRESH_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(
                _READY,
                {"limit": settings.BLOG_QUEUE_LIMIT},
            )
            _ready.value = cursor.fetchone()[0]
        _ready.read_at = now
    return _ready.value


def _require_room_to_schedule(site_id: int) -> None:
    limit = settings.BLOG_SCHEDULED_LIMIT_PER_SITE
    waiting = BlogGeneration.objects.filter(
        site_id=site_id, status=Status.PENDING, ready=False, scheduled_at__isnull=False
    )
    if waiting[:limit].count() >= limit:
        raise NoRoom("schedule_full", f"{limit} blogs of this site are scheduled already.", estimated_wait=3600)
