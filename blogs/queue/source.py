"""What a worker pool needs of a queue: `claim`, `renew`, `look`, `promote`, `rescue`, `hand_back`, `stats`.

Beside them `recount`, a chore. The fair order itself is in `statements.CLAIM` and `lines.py`.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from blogs.models import BlogGeneration, RequestDetails, SiteProfile, Status
from blogs.queue import admission, lifecycle, lines, statements
from credits import ledger
from wix.models import Site
from workers.database import rows, wakeup
from workers.database.clock import ClockTimestamp
from workers.models import WorkerProcess

logger = logging.getLogger(__name__)

_SUSPECT_LINES = """
SELECT site_id FROM blogs_siteline l
 WHERE (waiting > 0) <> EXISTS (SELECT 1 FROM blog_generations g WHERE g.site_id = l.site_id AND g.ready)
"""


def claim(worker: WorkerProcess, limit: int, running: Iterable[BlogGeneration] = ()) -> list[BlogGeneration]:
    """Start up to `limit` blogs in the fair order. They are PROCESSING and leased to this worker from now on.

    `running`: the blogs on this worker's other seats, since one site may have only a share of them.
    """
    looked, claimed = _claim(worker, limit, running)
    if not (claimed or looked):
        _, claimed = _claim(worker, limit, running, look=True)
    return claimed


def _claim(
    worker: WorkerProcess, limit: int, running: Iterable[BlogGeneration], *, look: bool = False
) -> tuple[bool, list[BlogGeneration]]:
    """Return whether it read the lines from the very head, and what it started."""
    held = Counter(generation.site_id for generation in running)
    with connection.cursor() as cursor:
        statements.CLAIM.execute(
            cursor,
            {
                "limit": limit,
                "worker": worker.pk,
                "worker_name": worker.name,
                "look": look,
                "held_sites": list(held),
                "held_seats": list(held.values()),
                "site_seats": settings.BLOG_WORKER_SITE_SEATS,
                "lease": settings.BLOG_WORKER_LEASE_SECONDS,
                "wix_per_minute": settings.RATE_LIMITS["wix"]["requests"],
            },
        )
        found = cursor.fetchall()
    claimed = [_claimed(worker, row) for _, *row in found if row[0] is not None]
    return found[0][0], claimed


def _claimed(worker: WorkerProcess, row: list[Any]) -> BlogGeneration:
    site, (*own, product_ids, instructions, on_duplicate, told, found) = (
        row[: rows.width(Site)],
        row[rows.width(Site) :],
    )
    generation = rows.instance(BlogGeneration, own)
    generation.site, generation.worker_name = rows.instance(Site, site), worker.name
    # What the stages need of them, so that a blog that runs asks for none.
    generation.details = RequestDetails(
        product_ids=product_ids or [], instructions=instructions or "", on_duplicate=on_duplicate or ""
    )
    if generation.profile_id:
        # As JSON: Django has its connections leave that to its fields.
        generation.profile = SiteProfile(
            id=generation.profile_id, site=generation.site, told=json.loads(told), found=json.loads(found)
        )
    return generation


def renew(generations: Iterable[BlogGeneration]) -> int:
    """Extend the leases that are still ours. Return how many that was."""
    held = {generation.pk: str(generation.lease_token) for generation in generations}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET lease_expires_at = clock_timestamp() + %s * interval '1 second'"
            " WHERE status = 'PROCESSING' AND id = ANY(%s) AND lease_token = ANY(%s::uuid[])",
            [settings.BLOG_WORKER_LEASE_SECONDS, list(held), list(held.values())],
        )
        return int(cursor.rowcount)


def promote(chunk_size: int = 500) -> int:
    """Bring what is due into its lines, and wake the workers. Return how many blogs that was."""
    promoted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statements.PROMOTE, {"chunk": chunk_size})
            chunk = int(cursor.fetchone()[0])
        promoted += chunk
        if chunk < chunk_size:
            break
    if promoted:
        wakeup.notify()
    return promoted


def recount() -> int:
    """Correct lines that count blogs and have none, or have some and count none. Return how many lines that was.

    There should be none. Such a line would win every free seat and fill none, or never be asked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUSPECT_LINES)
        suspects = [site_id for (site_id,) in cursor.fetchall()]
    return sum(_recounted(site_id) for site_id in suspects)


def _recounted(site_id: int) -> bool:
    with transaction.atomic():
        line = lines.lock(site_id)  # only now, and by a new snapshot, is the count the truth
        ready = BlogGeneration.objects.filter(site_id=site_id, ready=True).count()
        if ready == line.waiting:
            return False
        logger.error(
            "line counted wrong", extra={"action": "bug", "site": site_id, "counted": line.waiting, "ready": ready}
        )
        lines.join(line, ready - line.waiting)
    wakeup.notify()
    return True


_LOOK = """
SELECT (SELECT extract(epoch FROM min(run_after) - clock_timestamp()) FROM blog_generations
         WHERE status = 'PENDING' AND NOT ready),
       EXISTS (SELECT 1 FROM blog_generations
                WHERE status = 'PROCESSING' AND lease_expires_at < (SELECT clock_timestamp()))
"""


def look() -> tuple[float | None, bool]:
    """Return in how many seconds `promote` will find something, and whether `rescue` would now, by PostgreSQL's clock.

    None: nothing waits for a time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        seconds, is_expired = cursor.fetchone()
    return None if seconds is None else max(0.0, float(seconds)), is_expired


def rescue(chunk_size: int = 100) -> int:
    """Bring back what dead or paused workers held. Return how many blogs that was."""
    expired = BlogGeneration.objects.filter(status=Status.PROCESSING, lease_expires_at__lt=ClockTimestamp())
    oldest = expired.order_by("lease_expires_at").values_list("pk", flat=True)
    rescued = 0
    while ids := list(oldest[:chunk_size]):
        brought_back = sum(_though_one_cannot(lifecycle.rescue, pk) for pk in ids)
        rescued += brought_back
        if not brought_back or len(ids) < chunk_size:
            break
    return rescued


def hand_back(generations: Sequence[BlogGeneration]) -> int:
    """Return to its line what a worker that must stop still holds. Return how many blogs that was."""
    return sum(_though_one_cannot(lifecycle.hand_back, generation) for generation in generations)


def _though_one_cannot(move: Callable[[Any], bool], what: Any) -> bool:
    """Move a blog, or log that it can't be moved: one blog whose books are wrong must not keep those behind it from being moved."""
    try:
        return move(what)
    except (IntegrityError, ledger.NoOpenHold):
        about = {"action": "bug", "blog": getattr(what, "pk", what)}
        logger.exception("can't be brought back to its line", extra=about)
        return False


def stats() -> dict[str, Any]:
    """Return what waits, since when, and what the last minute has brought, for heartbeats, health and metrics."""
    with connection.cursor() as cursor:
        cursor.execute(_STATS, {"limit": settings.BLOG_QUEUE_LIMIT})
        waiting, paused, oldest, oldest_ready, delayed, processing, done, failed, workable = cursor.fetchone()
    return {
        "queue": waiting,
        "queue_limit": settings.BLOG_QUEUE_LIMIT,
        "paused": paused,
        "delayed": delayed,
        "processing": processing,
        "workable": workable,
        "oldest_waiting_seconds": round(float(oldest), 1),
        "oldest_ready_seconds": round(float(oldest_ready), 1),
        "done_last_minute": done,
        "failed_last_minute": failed,
    }


# Here and in other statements about the last minutes: PostgreSQL evaluates `statement_timestamp()` when it plans, so that it knows
# how few blogs these are. From a sub-select on the clock it would expect a third of all, and at a million read the whole table.
# The oldest is looked for among the very blogs that are counted: those in lines that are not paused, and those that come back to
# such a line as soon as a provider is back.
_OPEN = "site_id NOT IN (SELECT site_id FROM blogs_siteline WHERE paused)"
_WAITED = """
    coalesce(CASE WHEN {since} IS NOT NULL AND NOT (SELECT paused FROM clock)
                  THEN extract(epoch FROM clock_timestamp() - greatest({since}, (SELECT resumed_at FROM clock))) END, 0)"""
_STATS = f"""
WITH clock AS MATERIALIZED (
    SELECT paused_at IS NOT NULL AS paused, resumed_at FROM blogs_queueclock
), last_minute AS (
    SELECT status FROM blog_generations WHERE finished_at > statement_timestamp() - interval '1 minute'
), oldest AS MATERIALIZED (
    -- A ready one is found by an index, and there are few. So are those that a provider holds up.
    SELECT (SELECT min(ready_at) FROM blog_generations WHERE ready AND {_OPEN}) AS ready,
           (SELECT min(ready_at) FROM blog_generations
             WHERE status = 'PENDING' AND NOT ready AND waits_for <> '' AND {_OPEN}) AS held_up
)
SELECT ({admission.READY}),
       coalesce((SELECT paused FROM clock), false),
       {_WAITED.format(since="least(oldest.ready, oldest.held_up)")},
       {_WAITED.format(since="oldest.ready")},
       (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations WHERE status = 'PENDING' AND NOT ready LIMIT 10000) AS delayed),
       (SELECT count(*) FROM blog_generations WHERE status = 'PROCESSING'),
       (SELECT count(*) FROM last_minute WHERE status = 'DONE'),
       (SELECT count(*) FROM last_minute WHERE status = 'FAILED'),
       -- What workers could start now, by the counts that the lines keep.
       (SELECT coalesce(sum(waiting), 0)::bigint FROM blogs_siteline
         WHERE waiting > 0 AND NOT paused AND NOT (SELECT paused FROM clock))
  FROM oldest
"""
