"""The sweep deletes drafts that no blog paid for: ten minutes after a doubtful end it looks for the blog's drafts once more.

A blog is doubtful if its create was begun more than once, or if it failed or was cancelled after a create was begun. A blog that
is retried before its sweep is over stays doubtful: a sweeper may have been killed between condemning a draft and deleting it. The
draft that the blog's row names stays, and those that it named before. Any other draft with this blog's marker goes to the site's
trash bin. While an order of staff makes another draft (`post_orders/making.py`), no sweep of that blog begins.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from blogs.models import Article, BlogGeneration, GenerationEvent, PostOrder, Stage
from blogs.stages.draft import marked_drafts
from wix.models import Site
from wix.posts import drafts
from workers.database.connections import released_afterwards
from workers.errors import PermanentError, WorkError
from workers.texts import cut

logger = logging.getLogger(__name__)

# A worker takes a blog for some minutes. That is longer than a look and a deletion take, so that no two workers sweep one blog (a
# second deletion would do no harm). It is no longer, because the blog of a killed worker must be swept too.
_TAKE = """
UPDATE blog_generations SET draft_sweep_at = clock_timestamp() + %(taken)s * interval '1 second'
 WHERE id = (SELECT id FROM blog_generations
              WHERE draft_sweep_at <= (SELECT clock_timestamp()) AND finished_at IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM blogs_postorder o
                                 WHERE o.generation_id = blog_generations.id AND o.ended_at IS NULL
                                   AND o.create_started_at IS NOT NULL)
              ORDER BY draft_sweep_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, site_id, status, draft_post_id, draft_sweep_at, draft_search_since,
          extract(epoch FROM clock_timestamp() - created_at)::float
"""


class _Doubtful(NamedTuple):
    pk: int
    site_id: int
    status: str
    draft_post_id: UUID | None
    draft_sweep_at: datetime
    draft_search_since: datetime | None
    age: float


def sweep_one() -> bool:
    """Sweep the blog that has been due for longest. False: none is due."""
    doubtful = _take()
    if doubtful is None:
        return False
    try:
        _sweep(doubtful)
    except PermanentError as error:
        # The site, or its blog, is gone. So is every draft that may have been there.
        _close(doubtful, f"could not look: {error.message}")
    except WorkError as error:
        logger.warning("sweep put off", extra={"action": "sweep", "blog": doubtful.pk, "code": error.code})
    return True


def _take() -> _Doubtful | None:
    with released_afterwards(), connection.cursor() as cursor:
        cursor.execute(_TAKE, {"taken": 3 * (_seconds_a_call() + settings.RATE_LIMIT_MAX_WAIT_SECONDS)})
        row = cursor.fetchone()
    return _Doubtful(*row) if row else None


def _seconds_a_call() -> float:
    return settings.STAGE_DEADLINE_SECONDS["draft"]


def _sweep(doubtful: _Doubtful) -> None:
    instance_id = str(Site.objects.values_list("instance_id", flat=True).get(pk=doubtful.site_id))
    seconds = _seconds_a_call()
    marked = marked_drafts(instance_id, _title(doubtful), doubtful.pk, since_seconds=doubtful.age, seconds=seconds)
    paid = {str(doubtful.draft_post_id), *_replaced(doubtful.pk)}
    unpaid = [draft for draft in marked if draft.id not in paid]
    if unpaid and not _condemned(doubtful):
        return
    for draft in unpaid:
        if drafts.delete_draft(instance_id, draft.id, seconds=seconds):
            _note(doubtful, draft.id)
    _close(doubtful)


def _replaced(blog_id: int) -> set[str]:
    """Return the drafts that the blog had before staff had another one made (`post_orders/`): they are the shop's."""
    had = PostOrder.objects.filter(generation=blog_id, old_draft_id__isnull=False)
    return {str(each) for each in had.values_list("old_draft_id", flat=True)}


def _title(doubtful: _Doubtful) -> str | None:
    """Return its article's title. None: a restored backup knows none, or not the one of the draft."""
    if doubtful.draft_search_since:
        return None
    return Article.objects.values_list("title", flat=True).filter(pk=doubtful.pk).first()


def _condemned(doubtful: _Doubtful) -> bool:
    """Keep a retry from adopting a draft that was found here. False: staff retried the blog meanwhile, and it may have one.

    A retry looks for a draft only where `draft_create_started_at` says that a create was begun, or `draft_search_since` that a
    backup was restored. Otherwise it makes a new one.
    """
    unchanged = BlogGeneration.objects.filter(
        pk=doubtful.pk,
        status=doubtful.status,
        draft_post_id=doubtful.draft_post_id,
        draft_sweep_at=doubtful.draft_sweep_at,
    )
    return bool(unchanged.update(draft_create_started_at=None, draft_search_since=None))


def _close(doubtful: _Doubtful, why_not: str = "") -> None:
    """End the sweep, unless the blog has gone on meanwhile and is doubtful again."""
    BlogGeneration.objects.filter(pk=doubtful.pk, draft_sweep_at=doubtful.draft_sweep_at).update(draft_sweep_at=None)
    if why_not:
        _note(doubtful, why_not)


def _note(doubtful: _Doubtful, message: str) -> None:
    GenerationEvent.objects.create(
        generation_id=doubtful.pk, kind=GenerationEvent.Kind.SWEPT, stage=Stage.DRAFT, message=cut(message, 500)
    )
    about = {"action": "swept", "blog": doubtful.pk, "site": doubtful.site_id}
    logger.warning("draft swept: %s", message, extra=about)
