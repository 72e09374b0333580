"""What a million blogs leave behind: the claim's time and the tables' sizes from the first blog to the last.

1,000 sites, 10,000 ready blogs at all times, two processes. Claims and renewals are the product's own calls; everything else
happens to 100 blogs in one statement where the product takes one at a time, but writes the same rows: hold, line
and submit; six checkpoints with their events; the note before the draft; output, capture and DONE. Simplified, for time: of the
seven outputs only the last is stored, and it and the article are empty, since those rows are written once and never touched again;
a lease is renewed three times (in life about fifteen: counted in migration 0003). What takes days at the providers' limits takes
minutes here, so that autovacuum, which looks once a minute, comes about a thousand times too seldom. On a busy machine it ends
after 8 minutes with the blogs that are through by then.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from itertools import pairwise
from typing import Any

from django.db import connection, transaction

from blogs import queue
from blogs.models import BlogGeneration
from blogs.queue import lines
from tests.bench import crews, filling
from workers.models import WorkerProcess

_BLOGS = int(os.environ.get("GROWTH_BLOGS", "1000000"))
_PROCESSES = 2
_SITES = 1_000
_READY = 10_000
_BATCH = 100
_CLAIMS = 30
_CHUNK = _BLOGS // 20
_LONGEST_SECONDS = 480


def measure() -> dict[str, Any]:
    sites = filling.add_sites(_SITES)
    filling.add_blogs(_READY, sites)
    filling.analyze()
    worker = WorkerProcess.objects.create(name="bench", threads=_BATCH)
    began = time.monotonic()
    claims = {0: _claim_ms(worker, sites)}
    with crews.crew(_PROCESSES) as crew:
        for through in range(_CHUNK, _BLOGS + 1, _CHUNK):
            for done in [crew.submit(_put_through, sites, _CHUNK // _PROCESSES) for _ in range(_PROCESSES)]:
                done.result()
            claims[through] = _claim_ms(worker, sites)
            seconds = time.monotonic() - began
            print(f"{seconds:.0f} s: {through} through, claim {claims[through]} ms", flush=True)
            if seconds * (through + _CHUNK) / through > _LONGEST_SECONDS:
                break
    medians = list(claims.values())
    return {
        "blogs": through,
        "seconds": round(seconds),
        "claim_ms": {str(through): ms for through, ms in claims.items()},
        "ratio": round(statistics.median(medians[-3:]) / medians[0], 2),
        "tables": _tables(),
        "bloat": _bloat(),
    }


def _claim_ms(worker: WorkerProcess, sites: list[int]) -> float:
    """Median of claims while nothing else runs; what was claimed goes its way."""
    took = []
    for _ in range(_CLAIMS):
        _submit(sites)
        began = time.perf_counter()
        claimed = queue.claim(worker, _BATCH)
        took.append(1000 * (time.perf_counter() - began))
        for step in range(len(_LIFE)):
            _advance(claimed, step)
    return round(statistics.median(took), 2)


# --- One of the processes ---------------------------------------------------------------------------------------------


def _put_through(sites: list[int], blogs: int) -> None:
    """Each round submits 100, claims 100, and takes each hundred in flight one step further."""
    worker = WorkerProcess.objects.create(name="bench", threads=_BATCH)
    in_flight: deque[tuple[list[BlogGeneration], int]] = deque()
    for round_ in range(blogs // _BATCH + len(_LIFE)):
        if round_ < blogs // _BATCH:
            _submit(sites)
            in_flight.append((queue.claim(worker, _BATCH), 0))
        for claimed, step in in_flight:
            if step in _RENEWED_AT:
                queue.renew(claimed)
            _advance(claimed, step)
        in_flight = deque((claimed, step + 1) for claimed, step in in_flight if step + 1 < len(_LIFE))


def _submit(sites: list[int]) -> None:
    """One blog each of a hundred sites. Under the claim lock, as whatever touches several lines at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lines.CLAIM_LOCK])
        cursor.execute(_CHOOSE, {"sites": sites, "count": _BATCH})
        chosen = [site for (site,) in cursor.fetchall()]
        cursor.execute(_LOCK_ACCOUNTS, {"sites": chosen})
        cursor.execute(_JOIN_LINES, {"sites": chosen})
        cursor.execute(filling.ADD_BLOGS, {"count": len(chosen), "sites": chosen, "ready": True})


def _advance(claimed: list[BlogGeneration], step: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LIFE[step], {"ids": [blog.pk for blog in claimed]})


_CHOOSE = "SELECT site FROM unnest(%(sites)s::bigint[]) AS site ORDER BY random() LIMIT %(count)s"
_LOCK_ACCOUNTS = "SELECT 1 FROM credits_creditaccount WHERE site_id = ANY(%(sites)s) ORDER BY id FOR UPDATE"
_JOIN_LINES = f"""
SELECT 1 FROM blogs_siteline WHERE site_id = ANY(%(sites)s) ORDER BY site_id FOR UPDATE;
UPDATE blogs_siteline SET turn = {lines.TURN_ON_JOINING}, waiting = waiting + 1
 WHERE site_id = ANY(%(sites)s)
"""

_EVENT = """
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
SELECT id, 'checkpoint', '{stage}', 1, 'bench', '', '' FROM unnest(%(ids)s::bigint[]) AS id;
"""
_CHECKPOINT = """
UPDATE blog_generations SET stage = '{following}', deferred_since = NULL WHERE id = ANY(%(ids)s) AND status = 'PROCESSING';
"""
_ARTICLE = """
INSERT INTO blogs_article (generation_id, version, title, language, words, content)
SELECT id, 1, 'A title of ordinary length', 'en', 700, '{}' FROM unnest(%(ids)s::bigint[]) AS id;
"""
_NOTE_DRAFT = """
UPDATE blog_generations SET draft_create_started_at = clock_timestamp(), draft_sweep_at = NULL WHERE id = ANY(%(ids)s)
"""
_SUCCEED = """
INSERT INTO blogs_stageoutput (generation_id, stage, output) SELECT id, 'draft', '{}' FROM unnest(%(ids)s::bigint[]) AS id;
SELECT 1 FROM credits_creditaccount
 WHERE site_id IN (SELECT site_id FROM blog_generations WHERE id = ANY(%(ids)s)) ORDER BY id FOR UPDATE;
UPDATE blog_generations
   SET status = 'DONE', ready = false, run_after = NULL, finished_at = clock_timestamp(), lease_token = NULL,
       lease_expires_at = NULL, worker_id = NULL, draft_post_id = gen_random_uuid(), draft_post_url = 'https://shop.example/draft'
 WHERE id = ANY(%(ids)s) AND status = 'PROCESSING';
UPDATE credits_creditaccount a SET held = held - 25 * mine.blogs, balance = balance - 25 * mine.blogs
  FROM (SELECT site_id, count(*) AS blogs FROM blog_generations WHERE id = ANY(%(ids)s) GROUP BY site_id) AS mine
 WHERE a.site_id = mine.site_id;
INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, generation_id, hold_id, reason)
SELECT account_id, 'capture', amount, -amount, 0, generation_id, id, '' FROM credits_credit
 WHERE generation_id = ANY(%(ids)s) AND kind = 'hold';
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
SELECT id, 'done', 'draft', 1, 'bench', '', '' FROM unnest(%(ids)s::bigint[]) AS id
"""


def _life() -> list[str]:
    stages = ["products", "idea", "image_order", "article", "image", "media", "draft"]
    steps = [
        _CHECKPOINT.format(following=following) + _EVENT.format(stage=stage)
        + (_ARTICLE if stage == "article" else "")
        for stage, following in pairwise(stages)
    ]  # fmt: skip
    return [*steps, _NOTE_DRAFT, _EVENT.format(stage="draft") + _SUCCEED]


_LIFE = _life()
_RENEWED_AT = (2, 4, 6)


# --- What is left behind ----------------------------------------------------------------------------------------------

_HOT = ("blogs_siteline", "blogs_queueclock", "credits_creditaccount")
_ALL = ("blog_generations", "blogs_generationevent", "blogs_stageoutput", "blogs_article", "credits_credit", *_HOT)


def _tables() -> dict[str, dict[str, Any]]:
    time.sleep(1.1)  # until the backends have told their counts
    return {name: _one_row(_SIZES, table=name) for name in _ALL}


def _bloat() -> dict[str, dict[str, float]]:
    """How many times the size of the same rows freshly written."""
    found = {}
    for name in ("blog_generations", *_HOT):
        before = _one_row(_BYTES, table=name)
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM FULL {name}")
        after = _one_row(_BYTES, table=name)
        found[name] = {kind: round(before[kind] / max(after[kind], 1), 2) for kind in before}
    return found


_BYTES = "SELECT pg_table_size(%(table)s::regclass) AS table, pg_indexes_size(%(table)s::regclass) AS indexes"
_SIZES = """
SELECT pg_table_size(relid) AS table_bytes, pg_indexes_size(relid) AS index_bytes,
       round(pg_table_size(relid) / greatest(n_live_tup, 1)::numeric)::int AS table_bytes_per_row,
       round(pg_indexes_size(relid) / greatest(n_live_tup, 1)::numeric)::int AS index_bytes_per_row,
       n_live_tup AS live, n_dead_tup AS dead, n_tup_upd AS updates,
       round(100.0 * n_tup_hot_upd / greatest(n_tup_upd, 1))::int AS hot_percent,
       autovacuum_count AS autovacuums
  FROM pg_stat_user_tables WHERE relid = %(table)s::regclass
"""


def _one_row(sql: str, **parameters: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
