"""A site's posts at Wix in its bank: read by workers once a day while the site has blogs to write, so that no blog waits for them.

One worker reads a site's posts: it claims them by `reading_until`, which only saves calls. A reading that fails is tried again ten
minutes later; until then the last one stands. What a whole reading has not seen is gone at Wix, and is forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection, transaction

from blogs.ideas import bank
from blogs.ideas.bank import New
from blogs.ideas.keys import kept, of_language
from blogs.models import PostReading, Topic
from wix.posts import known
from wix.posts.known import KnownPost
from workers.context.deadline import DeadlineExceeded, within
from workers.context.on_behalf import Caller, on_behalf_of
from workers.database.clock import ClockTimestamp
from workers.database.connections import briefly
from workers.errors import WorkError

logger = logging.getLogger(__name__)

# Twenty pages at Wix's 200 calls a minute and site, of which the site's blogs take most.
_READING_SECONDS = 120.0
_A_CALL_SECONDS = 20.0
_AGAIN_MINUTES = 10

# A site whose blogs wait or run, and whose posts were read more than a day ago, or never.
_CLAIM = f"""
WITH due AS (
    SELECT busy.site_id, site.instance_id, site.language
      FROM (SELECT site_id FROM blogs_siteline WHERE waiting > 0
            UNION SELECT site_id FROM blog_generations WHERE status = 'PROCESSING') AS busy
           JOIN wix_site site ON site.id = busy.site_id LEFT JOIN blogs_postreading r ON r.site_id = busy.site_id
     WHERE site.removed_at IS NULL AND coalesce(r.reading_until < clock_timestamp(), true)
       AND coalesce(r.read_at < clock_timestamp() - interval '1 day', true)
     LIMIT 1
)
INSERT INTO blogs_postreading AS r (site_id, number, reading_until, posts)
SELECT site_id, 1, clock_timestamp() + interval '{_AGAIN_MINUTES} minutes', 0 FROM due
ON CONFLICT (site_id) DO UPDATE
   SET number = r.number + 1, reading_until = excluded.reading_until
 WHERE coalesce(r.reading_until < clock_timestamp(), true)
RETURNING site_id, number, (SELECT instance_id::text FROM due), (SELECT language FROM due)
"""


class Claimed(NamedTuple):
    site_id: int
    number: int
    instance_id: str
    language: str


def read_due(go_on: Callable[[], bool] = lambda: True) -> int:
    """Read the posts of the sites that are due; return of how many. A chore."""
    read = 0
    while go_on() and (claimed := _claim()):
        with on_behalf_of(Caller(work=-claimed.site_id, party=claimed.site_id)):
            try:
                with within(_READING_SECONDS):
                    _read(claimed)
            except (WorkError, DeadlineExceeded) as error:
                about = {"action": "posts_not_read", "site": claimed.site_id, "code": getattr(error, "code", "timeout")}
                logger.warning("posts not read", extra=about)
        read += 1
    return read


@briefly
def _claim() -> Claimed | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM)
        row = cursor.fetchone()
    return Claimed(*row) if row else None


def _read(claimed: Claimed) -> None:
    count = 0
    for page in known.pages(claimed.instance_id, seconds=_A_CALL_SECONDS):
        _keep(claimed, page)
        count += len(page)
    _end(claimed, count)


@briefly
def _keep(claimed: Claimed, page: Sequence[KnownPost]) -> None:
    with transaction.atomic():
        bank.lock(claimed.site_id)
        ours = Topic.objects.filter(site_id=claimed.site_id, post_id__in=[post.id for post in page])
        there = {
            str(post_id): rest for post_id, *rest in ours.values_list("post_id", "text", "url", "published", "language")
        }
        for post in page:
            language = of_language(post.language or claimed.language)
            if there.get(post.id) == [kept(post.title), post.url, post.published, language]:
                continue
            bank.remove("site_id = %s AND post_id = %s::uuid", [claimed.site_id, post.id])
            bank.add(
                claimed.site_id,
                New(Topic.Kind.POST, post.title, language, post_id=post.id, url=post.url, published=post.published),
            )
        ours.update(reading=claimed.number)


@briefly
def _end(claimed: Claimed, count: int) -> None:
    """Forget what this reading has not seen. Only the last one to begin may say so."""
    with transaction.atomic():
        bank.lock(claimed.site_id)
        mine = PostReading.objects.filter(site_id=claimed.site_id, number=claimed.number)
        if mine.update(read_at=ClockTimestamp(), reading_until=None, posts=count):
            bank.remove("site_id = %s AND kind = 'post' AND reading <> %s", [claimed.site_id, claimed.number])
    logger.info("posts read", extra={"action": "posts_read", "site": claimed.site_id, "posts": count})


@dataclass(frozen=True, slots=True)
class FittingPost:
    """A published post that an article may lead to."""

    title: str
    url: str


def fitting_posts(site_id: int, title: str, language: str, count: int) -> list[FittingPost]:
    """Return the site's published posts whose topics are nearest to a title, the nearest first; none that tells the same."""
    near = bank.near(site_id, title, of_language(language), kinds=[Topic.Kind.POST], at_most=20)
    return [FittingPost(post.text, post.url) for post in near if post.published and post.url and not post.is_same][
        :count
    ]
