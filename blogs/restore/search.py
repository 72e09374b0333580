"""Looks at Wix for the drafts that a restored backup doesn't know, before anything is made for the blogs they belong to.

A draft that was made in the lost time has its blog's marker, and perhaps another title than the article that would be written now.
Wix can't search for a marker. So all drafts of the site that were edited since then are read, once for all its marked blogs: the
blog that comes first searches, those behind it wait. A worker that is killed has noted how far it came.

What is found is taken over: its blog has a draft from then on, and is only published, if that was asked for. When all is read, the
site's other blogs go on as usual. While Wix is away they wait, and nothing is created.

Left alone are: a draft that its owner has thrown away (its blog is written again), and the draft of a blog that no row knows,
because it was asked for in the lost time. Its number is never given out again. It is in its shop, uncharged; the log names it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from blogs.models import BlogGeneration, DraftSearch, Status
from blogs.queue import lifecycle, lines
from blogs.stages.draft import CLOCKS
from blogs.stages.marker import blog_of
from wix.posts import drafts
from wix.posts.drafts import Draft
from workers.context.deadline import DeadlineExceeded, within
from workers.database.clock import ClockTimestamp
from workers.database.connections import briefly
from workers.errors import RateLimited, TransientError, WorkError

logger = logging.getLogger(__name__)

# Where others search, a blog asks again after this time.
_ASK_AGAIN_SECONDS = 5.0
# One run reads for this long; the site's next one goes on.
_READS_SECONDS = 60.0
# Staff may retry a blog that ended so.
_ENDED = (Status.FAILED, Status.CANCELLED)


def before_anything(generation: BlogGeneration) -> None:
    """Search the site of a marked blog, and read again what became of the blog.

    Raises RateLimited while the search can't be made or another worker makes it, and what Wix refuses for good.
    """
    if _is_marked(generation):
        search = _take(generation)
        with _given_back(search):
            _read(generation, search)
    generation.refresh_from_db(fields=["stage", "draft_search_since", "draft_post_id"])


def _read(generation: BlogGeneration, search: DraftSearch) -> None:
    seconds: float = settings.STAGE_DEADLINE_SECONDS["draft"]
    stops_at = time.monotonic() + _READS_SECONDS
    with within(_READS_SECONDS + seconds + settings.RATE_LIMIT_MAX_WAIT_SECONDS):
        since = (search.read_to or search.since) - CLOCKS
        for page in drafts.edited_since(str(generation.site.instance_id), since, seconds=seconds):
            for draft, rich_content in page:
                if blog_id := blog_of(rich_content):
                    _found(generation.site_id, blog_id, draft)
            _note(search, page.edited_to)
            if time.monotonic() > stops_at:
                raise _wait(1)
    _finish(search)


@briefly
def _is_marked(generation: BlogGeneration) -> bool:
    """Ask once more: the site may have been searched since this blog was claimed."""
    return BlogGeneration.objects.filter(pk=generation.pk, draft_search_since__isnull=False).exists()


@briefly
def _found(site_id: int, blog_id: int, draft: Draft) -> None:
    marked = BlogGeneration.objects.filter(pk=blog_id, site=site_id, draft_search_since__isnull=False)
    status = marked.values_list("status", flat=True).first()
    if status in _ENDED:
        # It may be retried, and must look again then: with this time it stays marked (`_finish`).
        marked.filter(status=status).update(
            draft_create_started_at=Coalesce("draft_create_started_at", ClockTimestamp())
        )
    elif status:
        post = {"draft_post_id": draft.id, "draft_post_url": draft.url, "draft_post_slug": draft.slug}
        lifecycle.adopt_draft(blog_id, {**post, "found": True, "member_id": draft.member_id}, post)
    elif not BlogGeneration.objects.filter(pk=blog_id).exists():
        about = {"action": "unknown_draft", "blog": blog_id, "site": site_id, "draft": draft.id}
        logger.warning("a draft of a blog that no row knows", extra=about)


# --- Whose turn it is -------------------------------------------------------------------------------------------------

# A search of a blog that failed before and is retried now has no row yet.
_TAKE = """
INSERT INTO blogs_draftsearch AS search (site_id, since, not_before, taken_until)
SELECT site_id, draft_search_since, clock_timestamp(), clock_timestamp() + %(taken)s * interval '1 second'
  FROM blog_generations WHERE id = %(blog)s AND draft_search_since IS NOT NULL
    ON CONFLICT (site_id) DO UPDATE
   SET taken_until = excluded.taken_until
 WHERE search.not_before <= excluded.not_before AND coalesce(search.taken_until <= excluded.not_before, true)
RETURNING site_id, since, not_before, read_to, taken_until
"""


@briefly
def _take(generation: BlogGeneration) -> DraftSearch:
    """Take the site's search, for longer than one run reads. Raises RateLimited."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"blog": generation.pk, "taken": _taken_seconds()})
        row = cursor.fetchone()
    if row:
        return DraftSearch(*row)
    early = DraftSearch.objects.filter(site=generation.site_id, not_before__gt=ClockTimestamp())
    wait = early.values_list(F("not_before") - ClockTimestamp(), flat=True).first()
    raise _wait(wait.total_seconds() if wait else _ASK_AGAIN_SECONDS)


_NOTE = """
UPDATE blogs_draftsearch
   SET read_to = coalesce(%(read_to)s, read_to), taken_until = clock_timestamp() + %(taken)s * interval '1 second'
 WHERE site_id = %(site)s AND taken_until = %(until)s RETURNING taken_until
"""


@briefly
def _note(search: DraftSearch, read_to: datetime | None) -> None:
    """Store how far the search has come. Raises RateLimited if it is no longer ours."""
    with connection.cursor() as cursor:
        mine = {"site": search.pk, "until": search.taken_until}
        cursor.execute(_NOTE, {**mine, "read_to": read_to, "taken": _taken_seconds()})
        row = cursor.fetchone()
    if row is None:
        raise _wait(_ASK_AGAIN_SECONDS)
    search.taken_until = row[0]


@briefly
def _finish(search: DraftSearch) -> None:
    """Let the site's blogs go on, but those that ended whose draft was found: they look again when they are retried."""
    with transaction.atomic():
        # No claim takes several blogs of the site meanwhile.
        lines.lock(search.pk)
        if not _mine(search).delete()[0]:
            raise _wait(_ASK_AGAIN_SECONDS)
        searched = BlogGeneration.objects.filter(site=search.pk, draft_search_since__gte=search.since)
        may_have_one = Q(status__in=_ENDED, draft_create_started_at__isnull=False)
        searched.exclude(may_have_one).update(draft_search_since=None)


@contextmanager
def _given_back(search: DraftSearch) -> Iterator[None]:
    """Let another go on with a search that was interrupted. What would cost the blog an attempt only puts it off."""
    try:
        yield
    except (WorkError, DeadlineExceeded) as error:
        _leave(search)
        if isinstance(error, TransientError | DeadlineExceeded):
            raise _wait(None) from error
        raise


@briefly
def _leave(search: DraftSearch) -> None:
    _mine(search).update(taken_until=None)


def _mine(search: DraftSearch) -> QuerySet[DraftSearch]:
    return DraftSearch.objects.filter(pk=search.pk, taken_until=search.taken_until)


def _taken_seconds() -> float:
    """A search is noted after each page: one call, and its waiting for the limit."""
    seconds: float = settings.STAGE_DEADLINE_SECONDS["draft"] + settings.RATE_LIMIT_MAX_WAIT_SECONDS
    return 2 * seconds


def _wait(seconds: float | None) -> RateLimited:
    message = "A backup was restored: whether Wix has this blog's draft already is looked up first."
    return RateLimited("draft_unsure", message, retry_in=seconds)
