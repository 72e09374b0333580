"""Puts a restored backup right, in one transaction: so that nothing which was done in the lost time is done a second time.

    blogs        each that isn't DONE is marked: before anything is made for it, its draft is looked for at Wix (`search.py`)
    numbers      jump ahead, so that none is given out that was given out in the lost time
    leases       end; the rows of workers go; those that still run find theirs gone and leave
    limits       begin full, breakers closed (those that staff hold stay open), tokens of Wix are fetched again
    webhooks     that wait are handled at once; handling one twice is safe
    plans        of all shops are read at Wix: what was bought in the lost time is found there
    catalogs     are read again, since their changes were told to the original

Idempotency keys of the backup keep their blogs. One that was used in the lost time is not known: the same request again makes
another blog. The draft of such a blog, which no row knows, stays in its shop; the search logs it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from blogs import queue
from blogs.models import BlogGeneration, Status
from blogs.queue.lines import CLAIM_LOCK
from wix.models import Site, Subscription
from workers.database import installation, wakeup
from workers.database.clock import ClockTimestamp
from workers.database.installation import Found

logger = logging.getLogger(__name__)

# Numbers are cheap. No queue takes in as many blogs a second over any length of time.
_IDS_A_SECOND = 100
_IDS_STEP = 100_000


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done to the database."""

    since: datetime
    marked: int
    sites: int
    ids_moved_by: int


def settle(*, may_settle: Callable[[Found], bool], restored: bool = False) -> Settled | None:
    """Mark the blogs, move the numbers on, and take this database for the one to work on. None: `may_settle` says no.

    It is asked again behind the lock: of many processes that find a promoted server, one settles it. `restored`: besides, nothing
    of what worked on the original goes on here.
    """
    if restored:
        _end_leases()
    with transaction.atomic():
        _lock()
        found = installation.look()
        if not may_settle(found):
            return None
        since, seconds = _last_sign(found)
        settled = Settled(since, _mark(since), _search_sites(), _move_ids_on(seconds))
        if restored:
            _forget()
            _read_plans_again()
        installation.settle(found.here)
        about = {"action": "settled", "marked": settled.marked, "sites": settled.sites, "since": since.isoformat()}
        transaction.on_commit(lambda: logger.warning("took on a %s database", found.verdict.name, extra=about))
    wakeup.notify()
    return settled


def _lock() -> None:
    """Wait for others that settle, and let no blog be claimed meanwhile: many rows of blogs are written, in no order."""
    installation.lock()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])


def signs_of_life() -> float:
    """Return how many seconds ago, by PostgreSQL's clock, work was last done on these data; inf: never."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT extract(epoch FROM clock_timestamp() - ({_LAST_SIGN}))::float")
        seconds = cursor.fetchone()[0]
    return math.inf if seconds is None else float(seconds)


_LAST_SIGN = """
SELECT greatest((SELECT max(heartbeat_at) FROM workers_workerprocess),
                (SELECT created_at FROM blogs_generationevent ORDER BY id DESC LIMIT 1),
                (SELECT renewed_at FROM workers_installation))
"""


def _last_sign(found: Found) -> tuple[datetime, float]:
    """Return the moment to which the data are complete for sure, and the seconds since then.

    Workers renew their row each minute, in order with all that they do. A backup from before there was one has its newest event.
    """
    if found.renewed_at:
        return found.renewed_at, found.renewed_seconds_ago
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT at, extract(epoch FROM clock_timestamp() - at)::float FROM coalesce(({_LAST_SIGN}), now()) AS at"
        )
        at, seconds = cursor.fetchone()
    return at, float(seconds)


def _end_leases() -> None:
    """Give back what workers of the original held. A killed `after_restore` has given back a part, and the next one the rest."""
    queue.hand_back(list(BlogGeneration.objects.filter(status=Status.PROCESSING)))


# FAILED and CANCELLED blogs too: one that staff retried in the lost time may have a draft, and be retried again. Of an older mark,
# or a create that was begun before, the earlier time counts.
_MARK = """
UPDATE blog_generations SET draft_search_since = least(%(since)s, draft_search_since, draft_create_started_at)
 WHERE status <> 'DONE' AND draft_post_id IS NULL
"""
# A search that is under way is of an earlier loss, and begins again.
_SEARCH_SITES = """
INSERT INTO blogs_draftsearch (site_id, since, not_before)
SELECT site_id, min(draft_search_since), clock_timestamp() + %(wait)s * interval '1 second'
  FROM blog_generations WHERE draft_search_since IS NOT NULL AND status IN ('PENDING', 'PROCESSING') GROUP BY site_id
ON CONFLICT (site_id) DO UPDATE
   SET since = least(blogs_draftsearch.since, excluded.since), not_before = excluded.not_before, read_to = NULL, taken_until = NULL
"""
# Not those of Django's own tables: they are of 32 bits, and no number of theirs is known outside.
_MOVE_IDS = """
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, coalesce(last_value, 0) + %(by)s)
  FROM pg_sequences
 WHERE schemaname = current_schema() AND data_type = 'bigint'::regtype
   AND sequencename ~ '^(blog_generations|blogs|wix|credits|workers)_'
"""


def _mark(since: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"since": since})
        return int(cursor.rowcount)


def _search_sites() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SEARCH_SITES, {"wait": settings.BLOG_DRAFT_LOOKUP_SECONDS})
        return int(cursor.rowcount)


def _move_ids_on(seconds: float) -> int:
    """Move all sequences on. No transaction takes that back, so a run that is repeated moves them twice, which does no harm."""
    by = math.ceil((_IDS_STEP + _IDS_A_SECOND * max(0.0, seconds)) / _IDS_STEP) * _IDS_STEP
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_IDS, {"by": by})
    return by


def _forget() -> None:
    with connection.cursor() as cursor:
        for statement in _FORGOTTEN:
            cursor.execute(statement)


_FORGOTTEN = (
    "DELETE FROM workers_workerprocess",
    "DELETE FROM workers_ratelimitusage",
    "DELETE FROM workers_ratelimit",
    "DELETE FROM workers_breakerfailure",
    "DELETE FROM workers_breaker WHERE held_by = ''",
    "DELETE FROM wix_accesstoken",
    # A login that ended in the lost time must not be one again.
    "DELETE FROM django_session",
    "UPDATE wix_webhookdelivery SET due_at = clock_timestamp() WHERE due_at IS NOT NULL",
    # A create in the lost time is waited for, and its draft looked for.
    "UPDATE blogs_postorder SET create_started_at = clock_timestamp(), taken_until = NULL"
    " WHERE kind = 'draft' AND ended_at IS NULL",
    "UPDATE wix_catalogue SET wanted_at = clock_timestamp()",
)


def _read_plans_again() -> None:
    """Have Wix asked what each connected site pays for, free ones too: they may have bought a plan in the lost time."""
    connected = Site.objects.filter(removed_at=None).values_list("pk", flat=True)
    Subscription.objects.bulk_create(
        [Subscription(site_id=pk) for pk in connected.iterator()], batch_size=1_000, ignore_conflicts=True
    )
    Subscription.objects.filter(site__in=connected).update(next_grant_at=ClockTimestamp())
