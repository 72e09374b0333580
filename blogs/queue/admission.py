"""Decides whether the queue takes another blog: a full queue refuses it before credits are held."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from blogs.models import UNFINISHED, BlogGeneration, SiteLine, Status
from blogs.queue import forecast
from workers.context.process_memory import remembered

# How old the count may be. It refuses at once; what it lets through, ENTER counts again where the limit is near.
_FRESH_SECONDS = 1.0
# More than all processes together take in within that time. With as many places free, ENTER need not count.
_ARRIVE_MAX = 5_000
PLAN_LIMIT = "plan_limit"


class NoRoom(Exception):
    """The queue, or this site's part of it, is full. `estimated_wait`: the seconds until all that waits has started."""

    def __init__(self, code: str, message: str, *, estimated_wait: float) -> None:
        super().__init__(message)
        self.code = code
        self.estimated_wait = round(estimated_wait)
        # There is room long before that. Another try is worth it when a tenth has started, and within ten minutes; all that were
        # refused at once should not come back at once.
        self.retry_after = int(min(max(estimated_wait / 10, 10) * random.uniform(1, 1.5), 600))


@dataclass(slots=True)
class _Count:
    ready: int = 0
    held_up: int = 0
    read_at: float = field(default=float("-inf"))

    def clear(self) -> None:
        self.read_at = float("-inf")


_ready = remembered(_Count())

# Blogs in paused lines make no other blog wait, so they must not keep others out, nor those of them that wait for a provider.
_READY = """
(SELECT count(*) FROM (
    SELECT 1 FROM blog_generations
     WHERE ready AND site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused) LIMIT %(limit)s) AS ready)
"""
_HELD_UP = """
(SELECT count(*) FROM (
    SELECT 1 FROM blog_generations
     WHERE status = 'PENDING' AND NOT ready AND waits_for <> ''
       AND site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused) LIMIT %(limit)s) AS held_up)
"""
READY = f"SELECT {_READY} + {_HELD_UP}"
_COUNT = f"SELECT {_READY}, {_HELD_UP}"

# For ENTER: whether fewer blogs are in line than `queue_room`, by what the lines themselves say; NULL: no need to look. Requests
# that come at once don't see each other, so that the limit can be passed by as many as are under way: one for each web thread.
# Rejected: a counter row, or stripes of it, that all moves of blogs keep. Every submit and claim would wait for its lock until
# another's commit is on the disk, and the lines are such stripes already, which `recount` keeps right.
HAS_ROOM = """
(%(queue_room)s::bigint IS NULL
 OR (SELECT coalesce(sum(waiting), 0) FROM blogs_siteline WHERE waiting > 0 AND NOT paused) < %(queue_room)s::bigint)
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
    if ready_count() >= settings.BLOG_QUEUE_LIMIT:
        raise queue_full()


def queue_full() -> NoRoom:
    limit = settings.BLOG_QUEUE_LIMIT
    wait = forecast.seconds_for(limit)
    return NoRoom("queue_full", f"The queue is full: {limit} blogs are waiting.", estimated_wait=wait)


def queue_room() -> int | None:
    """Return how many blogs may be in line for one more to enter; None where that many are not near."""
    if settings.BLOG_QUEUE_LIMIT - ready_count() > _ARRIVE_MAX:
        return None
    return int(settings.BLOG_QUEUE_LIMIT - _ready.held_up)


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
            cursor.execute(_COUNT, {"limit": settings.BLOG_QUEUE_LIMIT})
            _ready.ready, _ready.held_up = cursor.fetchone()
        _ready.read_at = now
    return _ready.ready + _ready.held_up


def _require_room_to_schedule(site_id: int) -> None:
    limit = settings.BLOG_SCHEDULED_LIMIT_PER_SITE
    waiting = BlogGeneration.objects.filter(
        site_id=site_id, status=Status.PENDING, ready=False, scheduled_at__isnull=False
    )
    if waiting[:limit].count() >= limit:
        raise NoRoom("schedule_full", f"{limit} blogs of this site are scheduled already.", estimated_wait=3600)
