"""Drafts that should not be: ten minutes after a doubtful end, look again and delete what is there without being paid for.

Doubtful are blogs whose create was begun more than once, and those that failed or were cancelled after a create was begun.
The draft that the blog's row names stays; any other one with this blog's marker goes to the site's trash bin.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.db import connection

from blogs.models import Article, BlogGeneration, GenerationEvent
from blogs.stages.draft import marked_drafts, marker_of
from wix import blog
from wix.models import Site
from workers.errors import WorkError
from workers.rate_limits import release_connection

logger = logging.getLogger(__name__)

# Taken for an hour by whoever looks, so that two workers don't, and a killed one loses nothing.
_TAKE = """
UPDATE blog_generations SET draft_sweep_at = clock_timestamp() + interval '1 hour'
 WHERE id = (SELECT id FROM blog_generations
              WHERE draft_sweep_at <= (SELECT clock_timestamp()) AND finished_at IS NOT NULL
              ORDER BY draft_sweep_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, site_id, draft_post_id, extract(epoch FROM clock_timestamp() - created_at)
"""

_Taken = tuple[int, int, UUID | None, float]


def sweep_due() -> int:
    """Look at every blog that is due; how many second drafts were deleted."""
    deleted = 0
    while taken := _take():
        generation_id, site_id, draft_post_id, age = taken
        try:
            deleted += _sweep(generation_id, site_id, draft_post_id, float(age))
        except WorkError as error:
            logger.warning("sweep put off", extra={"action": "sweep", "blog": generation_id, "code": error.code})
    return deleted


def _take() -> _Taken | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE)
        row: _Taken | None = cursor.fetchone()
    release_connection()
    return row


def _sweep(generation_id: int, site_id: int, draft_post_id: UUID | None, age: float) -> int:
    instance_id = str(Site.objects.values_list("instance_id", flat=True).get(pk=site_id))
    title = Article.objects.values_list("title", flat=True).get(pk=generation_id)
    seconds = settings.STAGE_DEADLINE_SECONDS["draft"]
    marked = marked_drafts(instance_id, title, marker_of(generation_id), since_seconds=age, seconds=seconds)
    second = [draft for draft in marked if draft.id != str(draft_post_id)]
    for draft in second:
        blog.delete_draft(instance_id, draft.id, seconds=seconds)
        GenerationEvent.objects.create(generation_id=generation_id, kind=GenerationEvent.Kind.SWEPT, message=draft.id)
        logger.warning("second draft deleted", extra={"action": "swept", "blog": generation_id, "site": site_id})
    BlogGeneration.objects.filter(pk=generation_id).update(draft_sweep_at=None)
    return len(second)
