"""Decides whether the queue takes another blog: a full queue refuses it before credits are held."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from blogs.models import UNFINISHED, BlogGeneration, SiteLine, Status
from blogs.queue import forecast
from workers.context.process_memory import remembered

# How old the count may be. The limit can be passed by the blogs that arrive in that time: cheaper than to count each time.
_FRESH_SECONDS = 1.0
PLAN_LIMIT = "plan_limit"


class NoRoom(Exception):
    """The queue, or this site's part of it, is full. `estimated_wait`: the seconds until all that waits has started."""

    def __init__(self, code: str, message: str, *, estimated_wait: float) -> None:
        super().__init__(message)
        self.code = code
        self.estimated_wait = round(estimated_wait)
        # There is room long before that. Another try is worth it when a tenth has started, and within ten minutes.
        self.retry_after = int(min(max(estimated_wait / 10, 10), 600))


@dataclass(slots=True)
class _Count:
    value: int = 0
    read_at: float = field(default=float("-inf"))

    def clear(self) -> None:
        self.read_at = float("-inf")


_ready = remembered(_Count())

# Blogs in paused lines make no other blog wait, so they must not keep others out, nor those of them that wait for a provider.
READY = """
SELECT (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE ready AND site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused) LIMIT %(limit)s) AS ready)
     + (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations
            WHERE status = 'PENDING' AND NOT ready AND waits_for <> ''
              AND site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused) LIMIT %(limit)s) AS held_up)
"""


def require_room(site_id: int, *, scheduled: bool) -> None:
    """Require room in the queue and in this site's part of it. Raises NoRoom."""
    require_room_in_queue(site_id, scheduled=scheduled)
    line = SiteLine.objects.filter(pk=site_id).first() or SiteLine()
    require_room_of_site(line.waiting, scheduled=scheduled)


def require_room_to_retry(site_id: int) -> None:
    """Require the room that another request of this site would need: its shop starts a finished blog again. Raises NoRoom.

    Not under the account's lock: retries that come at the same moment may pass a plan's limit by as many.
    """
    require_room(site_id, scheduled=False)
    waiting_max = SiteLine.objects.filter(pk=site_id).values_list("waiting_max", flat=True).first()
    if waiting_max is not None:
        require_room_in_plan(site_id, waiting_max)


def require_room_in_queue(site_id: int, *, scheduled: bool) -> None:
    """Require room in the queue, or in the site's schedule. Raises NoRoom."""
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
    """Return how many blogs one site may have in line: half the queue, so that no shop takes all of it from the others."""
    return int(settings.BLOG_QUEUE_LIMIT // 2)


def require_room_in_plan(site_id: int, open_max: int) -> None:
    """Require fewer unfinished blogs than the plan allows. Raises NoRoom. It is exact where the site's account is locked.

    Scheduled blogs count too, or a site could get round its plan by asking for later.
    """
    unfinished = BlogGeneration.objects.filter(site_id=site_id, status__in=UNFINISHED)[:open_max].count()
    if unfinished >= open_max:
        raise NoRoom(
            PLAN_LIMIT,
            f"{unfinished} blogs of this site are unfinished, as many as its plan allows; a larger plan allows more.",
            estimated_wait=forecast.seconds_for(unfinished),
        )


def require_room_of_site(waiting: int, *, scheduled: bool) -> None:
    """Require room for a blog that joins its site's line, where `waiting` blogs are. Raises NoRoom."""
    if not scheduled and waiting >= places_of_a_site():
        raise NoRoom(
            "site_queue_full",
            f"{waiting} blogs of this site are waiting already.",
            estimated_wait=forecast.seconds_for(waiting),
        )


def ready_count() -> int:
    """Count the blogs in all lines, and those that come back to them as soon as a provider is back.

    It counts no further than the limit, and the count is at most a second old.
    """
    now = time.monotonic()
    if now - _ready.read_at > _FRESH_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(
                READY,
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
