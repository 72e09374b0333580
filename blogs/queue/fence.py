"""The fence: only the holder of the lease writes, and only while the blog is PROCESSING.

Every write of a worker's thread carries the lease token of its claim. A worker that was paused may come back after another has
taken its blog: its token is not the row's any more, so it changes nothing, gets LeaseLost and leaves.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from blogs.models import BlogGeneration, Status
from blogs.queue.history import Saving
from workers.database.connections import released_afterwards
from workers.database.outage import outlasts_an_outage
from workers.database.prepared import Prepared
from workers.errors import LeaseLost

# What the stages find out about the post at Wix.
POST_COLUMNS = ("draft_post_id", "draft_post_url", "draft_post_slug", "post_url")


def mine(generation: BlogGeneration) -> QuerySet[BlogGeneration]:
    """Select the row if this thread still holds its lease."""
    held = BlogGeneration.objects.filter(pk=generation.pk, lease_token=generation.lease_token)
    return held.filter(status=Status.PROCESSING)


def update(generation: BlogGeneration, **columns: Any) -> None:
    """Write columns of the row. Raises LeaseLost."""
    if not mine(generation).update(**columns):
        raise LeaseLost(generation.pk)


@outlasts_an_outage
def keep(generation: BlogGeneration, name: str, output: dict[str, Any]) -> None:
    """Save a part of what the running stage does beside the stages' outputs. Raises LeaseLost."""
    parameters = {
        "id": generation.pk,
        "lease_token": generation.lease_token,
        "name": name,
        "output": json.dumps(output),
    }
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute(_KEEP, parameters)
        if not cursor.rowcount:
            raise LeaseLost(generation.pk)


_KEEP = """
INSERT INTO blogs_stageoutput (generation_id, stage, output)
SELECT id, %(name)s, %(output)s::jsonb FROM blog_generations
 WHERE id = %(id)s AND status = 'PROCESSING' AND lease_token = %(lease_token)s
ON CONFLICT (generation_id, stage) DO UPDATE SET output = excluded.output
"""


def save(statement: Prepared, saving: Saving, post: dict[str, str], **columns: Any) -> bool:
    """Execute CHECKPOINT, with words or without, or SUCCEED (`statements.py`). Raises LeaseLost.

    True: somebody asked to cancel the blog, and no draft keeps it from that.
    """
    generation = saving.generation
    parameters = {
        **saving.parameters(),
        **columns,
        "id": generation.pk,
        "lease_token": generation.lease_token,
        **{name: post.get(name) for name in POST_COLUMNS},
    }
    with connection.cursor() as cursor:
        statement.execute(cursor, parameters)
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost(generation.pk)
    saving.announce()
    generation.draft_post_id = post.get("draft_post_id", generation.draft_post_id)
    return bool(row[0])
