"""The SQL of the queue: claiming in the fair order, promoting what is due, leases, and what needs rescue.

What a worker pool needs of a queue is here and in this form: `claim`, `renew`, `promote`,
`seconds_until_due`, `rescue`, `hand_back`, `stats`. Beside them `recount`, a chore.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from blogs.models import BlogGeneration, GenerationEvent, Status
from blogs.queue import admission, lifecycle, lines
from credits import ledger
from wix.models import Site
from workers.database import rows, wakeup
from workers.database.clock import ClockTimestamp
from workers.database.prepared import Prepared
from workers.models import WorkerProcess

logger = logging.getLogger(__name__)

# The lock and the claim are ONE string, so one implicit transaction: a claimer that is stopped between two statements would
# block all others. And they are two statements, since a single one that took the lock would go by the snapshot from before it.
# It commits asynchronously, which saves a wait for the disk: if PostgreSQL crashes before a claim is there, nothing later is there
# either, and the worker finds that it has no lease. What is lost is one stage's call: the next checkpoint makes it durable.
#
# `lines` are the lowest turns among those that wait: as many as there are seats, and one more for each site that comes last.
# `starts` has a row for each start such a line could have; those beyond a site's share of this worker's seats, and all of a
# site whose threads already wait for its own limit, come after all others, so that no seat stays idle. A line's blogs go by
# priority, then whatever has run before, then age.
#
# A line behind the clock was passed over: blocked by Wix, crowded, or at its share. It goes on at the clock and catches up on
# nothing.
#
# A line may give fewer than it has counted: its row was read behind its lock, its blogs by the snapshot from before. The rest
# comes with the next claim.
#
# While somebody's dump or export keeps an old snapshot open, nothing dead can leave an index, and whoever reads from its head
# steps over all of it: 50,000 starts made a claim six times slower. So lines are read from `lowest` on, the lowest turn that
# waited one to two seconds ago; and once a second from the very head, because a slow submit may join behind `lowest`. Who finds
# nothing looks from the very head before it sleeps. (For the same reason the caller says which seats it holds: to count them here
# would step over every blog that this worker has run since.)
_CLAIM = Prepared(
    "claim",
    before=f"SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock({lines.CLAIM_LOCK});",
    sql=f"""
WITH clock AS MATERIALIZED (
    SELECT turn, look, CASE WHEN look THEN '-infinity' ELSE lowest END AS lowest
      FROM (SELECT turn, lowest,
                   %(look)s OR looked_at NOT BETWEEN clock_timestamp() - interval '1 second' AND clock_timestamp() AS look
              FROM blogs_queueclock) AS clock
), held AS MATERIALIZED (
    SELECT * FROM unnest(%(held_sites)s::bigint[], %(held_seats)s::bigint[]) AS held (site_id, seats)
), crowded AS MATERIALIZED (
    SELECT site_limit FROM workers_workerprocess w, jsonb_each_text(w.waiting) AS waiting (site_limit, waiters)
     WHERE w.heartbeat_at > (SELECT clock_timestamp() - %(lease)s * interval '1 second') AND site_limit LIKE 'wix:%%'
     GROUP BY site_limit HAVING sum(waiters::int) * 60.0 / %(wix_per_minute)s > 5
), lines AS MATERIALIZED (
    SELECT l.site_id, l.turn AS own_turn, greatest(l.turn, (SELECT turn FROM clock)) AS turn, l.step, l.waiting,
           'wix:' || site.instance_id IN (SELECT site_limit FROM crowded) AS crowded
      FROM blogs_siteline l JOIN wix_site site ON site.id = l.site_id
     WHERE l.waiting > 0 AND NOT l.paused AND l.turn >= (SELECT lowest FROM clock)
       AND NOT EXISTS (
           SELECT 1 FROM workers_ratelimit r
            WHERE r.provider = 'wix' AND r.key = site.instance_id::text AND r.model = ''
              AND r.blocked_until > clock_timestamp() + interval '5 seconds')
     ORDER BY l.turn, l.site_id
     LIMIT %(limit)s + (SELECT count(*) FROM held WHERE seats >= %(site_seats)s) + (SELECT count(*) FROM crowded)
       FOR UPDATE OF l
), starts AS (
    SELECT l.site_id
      FROM lines l LEFT JOIN held USING (site_id), generate_series(1, least(l.waiting, %(limit)s)) AS nth
     ORDER BY l.crowded OR nth + coalesce(held.seats, 0) > %(site_seats)s, l.turn + (nth - 1) * l.step, l.site_id
     LIMIT %(limit)s
), shares AS (
    SELECT site_id, count(*) AS seats FROM starts GROUP BY site_id
), chosen AS (
    SELECT blog.id FROM shares CROSS JOIN LATERAL (
        SELECT id FROM blog_generations WHERE site_id = shares.site_id AND ready
         ORDER BY priority, (started_at IS NULL), id LIMIT shares.seats
           FOR UPDATE) AS blog
), started AS (
    UPDATE blog_generations SET {lifecycle.START}
     WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND status = 'PENDING' AND ready
    RETURNING *
), moved AS (
    UPDATE blogs_siteline l
       SET waiting = waiting - mine.blogs, turn = greatest(l.turn, (SELECT turn FROM clock)) + mine.blogs * l.step
      FROM (SELECT site_id, count(*) AS blogs FROM started GROUP BY site_id) AS mine
     WHERE l.site_id = mine.site_id
    RETURNING l.turn - l.step AS last_start
), ticked AS (
    UPDATE blogs_queueclock c
       SET turn = greatest(c.turn, last.start),
           looked_at = CASE WHEN clock.look THEN clock_timestamp() ELSE c.looked_at END,
           lowest = CASE WHEN clock.look THEN least(c.next_lowest, found.lowest) ELSE c.lowest END,
           next_lowest = CASE WHEN clock.look THEN least(c.turn, found.lowest) ELSE c.next_lowest END
      FROM clock, (SELECT max(last_start) AS start FROM moved) AS last, (SELECT min(own_turn) AS lowest FROM lines) AS found
     WHERE clock.look AND last.start IS NOT NULL OR c.turn < last.start
), history AS (
    INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
    SELECT id, '{GenerationEvent.Kind.STARTED}', stage, attempts, %(worker_name)s, '', '' FROM started
)
SELECT clock.look, {rows.columns(Site, "site")}, {rows.columns(BlogGeneration, "started")}
  FROM clock LEFT JOIN (started JOIN wix_site site ON site.id = started.site_id) ON true
 ORDER BY started.id
""",
)

# Lines first, then blogs, under the claim lock: the lock order of `lines.py`. Both statements are one transaction.
_PROMOTE = f"""
SELECT pg_advisory_xact_lock({lines.CLAIM_LOCK});
WITH due AS (
    SELECT id, site_id FROM blog_generations
     WHERE status = 'PENDING' AND NOT ready AND run_after <= (SELECT clock_timestamp())
     ORDER BY run_after LIMIT %(chunk)s
), waking AS MATERIALIZED (
    SELECT site_id FROM blogs_siteline WHERE site_id IN (SELECT site_id FROM due) ORDER BY site_id FOR UPDATE
), rows AS MATERIALIZED (
    SELECT g.id, g.site_id FROM blog_generations g
     WHERE g.id IN (SELECT id FROM due) AND g.site_id IN (SELECT site_id FROM waking)
       AND g.status = 'PENDING' AND NOT g.ready
       FOR UPDATE SKIP LOCKED
), promoted AS (
    UPDATE blog_generations SET ready = true, run_after = NULL WHERE id = ANY(ARRAY(SELECT id FROM rows)) RETURNING site_id
), woken AS (
    UPDATE blogs_siteline l
       SET turn = {lines.TURN_ON_JOINING}, waiting = waiting + mine.blogs
      FROM (SELECT site_id, count(*) AS blogs FROM promoted GROUP BY site_id) AS mine
     WHERE l.site_id = mine.site_id
)
SELECT count(*) FROM promoted
"""

_SUSPECT_LINES = """
SELECT site_id FROM blogs_siteline l
 WHERE (waiting > 0) <> EXISTS (SELECT 1 FROM blog_generations g WHERE g.site_id = l.site_id AND g.ready)
"""

_PROMOTE_CHUNK = 500
_RESCUE_CHUNK = 100


def claim(worker: WorkerProcess, limit: int, running: Iterable[BlogGeneration] = ()) -> list[BlogGeneration]:
    """Start up to `limit` blogs in the fair order; they are PROCESSING and leased to this worker from now on.

    `running`: what is on this worker's other seats, since a site may have a share of them only.
    """
    looked, claimed = _claim(worker, limit, running)
    if not (claimed or looked):
        _, claimed = _claim(worker, limit, running, look=True)
    return claimed


def _claim(
    worker: WorkerProcess, limit: int, running: Iterable[BlogGeneration], *, look: bool = False
) -> tuple[bool, list[BlogGeneration]]:
    """Whether it read the lines from the very head, and what it started."""
    held = Counter(generation.site_id for generation in running)
    with connection.cursor() as cursor:
        _CLAIM.execute(
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
    site, own = row[: rows.width(Site)], row[rows.width(Site) :]
    generation = rows.instance(BlogGeneration, own)
    generation.site, generation.worker_name = rows.instance(Site, site), worker.name
    return generation


def renew(generations: Iterable[BlogGeneration]) -> int:
    """Extend the leases that are still ours; how many that was."""
    held = {generation.pk: str(generation.lease_token) for generation in generations}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET lease_expires_at = clock_timestamp() + %s * interval '1 second'"
            " WHERE status = 'PROCESSING' AND id = ANY(%s) AND lease_token = ANY(%s::uuid[])",
            [settings.BLOG_WORKER_LEASE_SECONDS, list(held), list(held.values())],
        )
        return int(cursor.rowcount)


def promote() -> int:
    """Bring what is due into its lines, and wake the workers; how many blogs that was."""
    promoted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PROMOTE, {"chunk": _PROMOTE_CHUNK})
            chunk = int(cursor.fetchone()[0])
        promoted += chunk
        if chunk < _PROMOTE_CHUNK:
            break
    if promoted:
        wakeup.notify()
    return promoted


def recount() -> int:
    """Put right what should never be wrong: lines that count blogs and have none, or have some and count none.

    Such a line would win every free seat and fill none, or never be asked. How many lines that was.
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


def seconds_until_due() -> float | None:
    """When `promote` will next find something, by PostgreSQL's clock; None: nothing waits for a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(run_after) - clock_timestamp()) FROM blog_generations"
            " WHERE status = 'PENDING' AND NOT ready"
        )
        seconds = cursor.fetchone()[0]
    return None if seconds is None else max(0.0, float(seconds))


def rescue() -> int:
    """Bring back what dead or paused workers held; how many blogs that was."""
    expired = BlogGeneration.objects.filter(status=Status.PROCESSING, lease_expires_at__lt=ClockTimestamp())
    oldest = expired.order_by("lease_expires_at").values_list("pk", flat=True)
    rescued = 0
    while ids := list(oldest[:_RESCUE_CHUNK]):
        brought_back = sum(_though_one_cannot(lifecycle.rescue, pk) for pk in ids)
        rescued += brought_back
        if not brought_back or len(ids) < _RESCUE_CHUNK:
            break
    return rescued


def hand_back(generations: Sequence[BlogGeneration]) -> int:
    return sum(_though_one_cannot(lifecycle.hand_back, generation) for generation in generations)


def _though_one_cannot(move: Callable[[Any], bool], what: Any) -> bool:
    """One blog whose books are wrong must not keep all behind it from being moved."""
    try:
        return move(what)
    except (IntegrityError, ledger.NoOpenHold):
        about = {"action": "bug", "blog": getattr(what, "pk", what)}
        logger.exception("can't be brought back to its line", extra=about)
        return False


def stats() -> dict[str, Any]:
    """For heartbeats, health and metrics: what waits, since when, and what came of the last minute."""
    with connection.cursor() as cursor:
        cursor.execute(_STATS)
        oldest, delayed, processing, done, failed = cursor.fetchone()
    return {
        "queue": admission.ready_count(),
        "queue_limit": settings.BLOG_QUEUE_LIMIT,
        "delayed": delayed,
        "processing": processing,
        "oldest_waiting_seconds": round(float(oldest), 1),
        "done_last_minute": done,
        "failed_last_minute": failed,
    }


_STATS = """
WITH last_minute AS (
    SELECT status FROM blog_generations WHERE finished_at > (SELECT clock_timestamp() - interval '1 minute')
)
SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT min(created_at) FROM blog_generations WHERE ready)), 0),
       (SELECT count(*) FROM (
           SELECT 1 FROM blog_generations WHERE status = 'PENDING' AND NOT ready LIMIT 10000) AS delayed),
       (SELECT count(*) FROM blog_generations WHERE status = 'PROCESSING'),
       (SELECT count(*) FROM last_minute WHERE status = 'DONE'),
       (SELECT count(*) FROM last_minute WHERE status = 'FAILED')
"""
