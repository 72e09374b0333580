"""Removes old finished blogs in batches, each one transaction, while workers and the API go on.

No worker, claim or submit waits for the row of a finished blog. Rows that something else has locked (staff retry the blog, the
sweep looks for its draft) are skipped. Ledger entries stay and keep the blog's number; `check_ledger` proves the sums without the
blog. Each batch is written to the archive before it is deleted, so that an interruption leaves a blog in both rather than in
neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO

from django.db import connection, transaction

from blogs.ideas import bank

# Oldest first by the index on finished_at, from where the last batch ended: what it deleted stays in the index until a vacuum.
# A blog whose draft is doubtful is kept: the sweep needs its title to look for the draft (`sweep.py`). So is one whose order is
# open (`post_orders/`): a worker may be making its draft.
_OLD = """finished_at < (SELECT clock_timestamp()) - %(seconds)s * interval '1 second' AND finished_at >= %(since)s
   AND draft_sweep_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM blogs_postorder o WHERE o.generation_id = blog_generations.id AND o.ended_at IS NULL)"""
_CHOOSE = f"""
SELECT id, finished_at FROM blog_generations WHERE {_OLD} ORDER BY finished_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""
_COUNT = f"SELECT count(*) FROM blog_generations WHERE {_OLD}"

# What belongs to a blog is deleted before it: the database refuses to leave any of it behind.
_TABLES = {
    "blogs_generationevent": "generation_id",
    "blogs_stageoutput": "generation_id",
    "blogs_article": "generation_id",
    "blogs_requestdetails": "generation_id",
    "blogs_postorder": "generation_id",
    "blogs_promise": "generation_id",
    "blogs_blogwords": "generation_id",
    "workers_providercall": "work",
    "blog_generations": "id",
}

_ARCHIVED = """
SELECT jsonb_build_object(
    'blog', to_jsonb(g),
    'article', (SELECT to_jsonb(a) FROM blogs_article a WHERE a.generation_id = g.id),
    'details', (SELECT to_jsonb(d) FROM blogs_requestdetails d WHERE d.generation_id = g.id),
    'outputs', (SELECT jsonb_agg(o ORDER BY o.id) FROM blogs_stageoutput o WHERE o.generation_id = g.id),
    'events', (SELECT jsonb_agg(e ORDER BY e.id) FROM blogs_generationevent e WHERE e.generation_id = g.id),
    'post_orders', (SELECT jsonb_agg(p ORDER BY p.id) FROM blogs_postorder p WHERE p.generation_id = g.id),
    'calls', (SELECT jsonb_agg(c ORDER BY c.id) FROM workers_providercall c WHERE c.work = g.id))::text
  FROM blog_generations g WHERE g.id = ANY(%s) ORDER BY g.id
"""


def count(older_than: timedelta) -> int:
    """Return how many blogs `prune` would remove."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"seconds": older_than.total_seconds(), "since": "-infinity"})
        return int(cursor.fetchone()[0])


def prune(older_than: timedelta, *, batch_size: int, archive: IO[str] | None = None) -> Iterator[dict[str, int]]:
    """Remove batch after batch, and yield after each how many rows of which table it was. Between two, no transaction is open."""
    since: datetime | str = "-infinity"
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CHOOSE, {"seconds": older_than.total_seconds(), "since": since, "batch": batch_size})
            chosen = cursor.fetchall()
            if not chosen:
                return
            ids, since = [pk for pk, _ in chosen], chosen[-1][1]
            if archive:
                _write(archive, ids)
            bank.prune_blogs(ids)
            removed = {}
            for table, key in _TABLES.items():
                cursor.execute(f"DELETE FROM {table} WHERE {key} = ANY(%s)", [ids])
                removed[table] = cursor.rowcount
        yield removed


def _write(archive: IO[str], ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ARCHIVED, [ids])
        archive.writelines(f"{line}\n" for (line,) in cursor.fetchall())
    archive.flush()
    os.fsync(archive.fileno())
