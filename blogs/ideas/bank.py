"""Topics kept, held and looked up.

A look-up must be quick in a bank of a million topics, of which one site has 20,000. An index of trigrams is not (170 to 240 ms,
whether `pg_trgm`'s GIN, with the site in it or not): a title has forty, and other sites have each of them a hundred thousand times.
So topics alike are found by the beginnings of their words, which are numbered by language and indexed by site. Of each the newest
topics are read, and those that share the most of them are compared by `pg_trgm`. A word that more titles have than are read tells
little.

Writers of a site's topics take the site's lock of the bank, so that no two wait for each other. They lock nothing else meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from blogs.ideas.keys import kept, key, stems
from blogs.models import Status, Topic
from workers.database.connections import briefly

Kind = Topic.Kind

# From here on two topics are one, as practice has it: 0.6 of the runs of three letters, three quarters of the words.
SAME = 0.6
# A title that is ours to choose keeps away from this already: it is asked for again, as long as there is time for that.
CLOSE = 0.55
_SAME_WORDS = 0.75
# Any number that nothing else uses as an advisory lock in this database; the second one is the site's.
_LOCK = 7_249_011
_READ_OF_A_STEM = 1_000
_COMPARED = 60
_OVER = (Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Near:
    """A topic of the bank beside the one that was looked up."""

    id: int
    kind: str
    text: str
    generation_id: int | None
    post_id: str | None
    url: str
    published: bool
    likeness: float
    is_same: bool

    @property
    def is_close(self) -> bool:
        """Say whether another title would be better, though the two topics may not be one."""
        return self.is_same or self.likeness > CLOSE


# Topics of blogs that failed or were cancelled are free again.
_NEAR = """
WITH hits AS (
    SELECT hit.topic_id, count(*) AS shared
      FROM unnest(%(stems)s::int[]) AS wanted(stem) CROSS JOIN LATERAL (
           SELECT topic_id FROM blogs_topicstem
            WHERE site_id = %(site)s AND stem = wanted.stem AND topic_id < %(before)s
            ORDER BY topic_id DESC LIMIT %(read)s) AS hit
     GROUP BY hit.topic_id ORDER BY shared DESC, hit.topic_id DESC LIMIT %(compared)s
)
SELECT t.id, t.kind, t.text, t.key, t.generation_id, t.post_id, t.url, t.published, hits.shared,
       greatest(similarity(t.text, %(text)s), similarity(t.key, %(key)s)) AS likeness
  FROM hits JOIN blogs_topic t ON t.id = hits.topic_id LEFT JOIN blog_generations g ON g.id = t.generation_id
 WHERE t.kind = ANY(%(kinds)s) AND (t.generation_id IS NULL OR t.generation_id IS DISTINCT FROM %(beside)s)
   AND (g.status IS NULL OR g.status <> ALL(%(over)s))
 ORDER BY likeness DESC, t.id DESC LIMIT %(at_most)s
"""
WRITTEN = (Kind.TITLE, Kind.POST, Kind.IDEA)


def near_now(
    site_id: int,
    text: str,
    language: str,
    *,
    beside: int | None = None,
    kinds: Sequence[str] = WRITTEN,
    at_most: int = 10,
    before: int = 2**63 - 1,
) -> list[Near]:
    """Return the site's topics that are most like this one, the nearest first, without those of the blog `beside`.

    `before` leaves out the topic of this number and all that were kept after it. Within a transaction that has the site's `lock`,
    no other writer adds one meanwhile.
    """
    own, own_stems = key(text, language), stems(text, language)
    asked: dict[str, Any] = {
        "site": site_id,
        "stems": own_stems,
        "text": text,
        "key": own,
        "kinds": list(kinds),
        "beside": beside,
        "over": list(_OVER),
        "read": _READ_OF_A_STEM,
        "compared": _COMPARED,
        "at_most": at_most,
        "before": before,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, asked)
        return [_near(row, own, own_stems, language) for row in cursor.fetchall()]


near = briefly(near_now)


def _near(row: Sequence[Any], own: str, own_stems: Sequence[int], language: str) -> Near:
    topic, kind, text, known, generation_id, post_id, url, published, shared, likeness = row
    most = max(len(own_stems), len(set(stems(text, language))))
    words_alike = min(len(own_stems), most) >= 2 and shared >= _SAME_WORDS * most
    is_same = known == own or likeness >= SAME or words_alike
    return Near(topic, kind, text, generation_id, post_id and str(post_id), url, published, float(likeness), is_same)


@dataclass(frozen=True, slots=True)
class New:
    """A topic to keep."""

    kind: str
    text: str
    language: str
    generation_id: int | None = None
    plan: dict[str, Any] | None = None
    holds: bool = False
    offered: bool = False
    order_id: int | None = None
    post_id: str | None = None
    url: str = ""
    published: bool = False
    key: str = ""
    """Its key, where that is not made of its words."""


def lock(site_id: int) -> None:
    """Let no other writer into the site's bank until this transaction ends."""
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, site_id % 2**31])


_ADD = """
WITH topic AS (
    INSERT INTO blogs_topic (site_id, kind, language, text, key, holds, generation_id, plan, offered_at, order_id, post_id, url,
                             published)
    VALUES (%(site)s, %(kind)s, %(language)s, %(text)s, %(key)s, %(holds)s, %(blog)s, %(plan)s::jsonb,
            CASE WHEN %(offered)s THEN statement_timestamp() END, %(order)s, %(post)s::uuid, %(url)s, %(published)s)
    ON CONFLICT DO NOTHING
    RETURNING id
), words AS (
    INSERT INTO blogs_topicstem (site_id, stem, topic_id)
    SELECT %(site)s, stem, topic.id FROM topic, unnest(%(stems)s::int[]) AS stem
)
SELECT id FROM topic
"""
_FREE = """
UPDATE blogs_topic t SET holds = false FROM blog_generations g
 WHERE t.site_id = %(site)s AND t.language = %(language)s AND t.key = %(key)s AND t.holds
   AND g.id = t.generation_id AND g.status = ANY(%(over)s)
"""


def add(site_id: int, new: New) -> int | None:
    """Keep a topic, within the caller's transaction; return its number, None where another topic holds its key.

    The key of a blog that failed or was cancelled is free.
    """
    text = kept(new.text)
    row: dict[str, Any] = {
        "site": site_id,
        "kind": new.kind,
        "language": new.language,
        "text": text,
        "key": new.key or key(text, new.language),
        "stems": stems(text, new.language),
        "holds": new.holds,
        "blog": new.generation_id,
        "plan": None if new.plan is None else json.dumps(new.plan),
        "offered": new.offered,
        "order": new.order_id,
        "post": new.post_id,
        "url": new.url,
        "published": new.published,
        "over": list(_OVER),
    }
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(_ADD, row)
            if added := cursor.fetchone():
                return int(added[0])
            cursor.execute(_FREE, row)
            if not cursor.rowcount:
                return None
    return None


_REMOVE = """
WITH gone AS (DELETE FROM blogs_topic WHERE {which} RETURNING id)
DELETE FROM blogs_topicstem WHERE topic_id = ANY(ARRAY(SELECT id FROM gone))
"""


def remove(which: str, parameters: Sequence[Any]) -> None:
    """Delete topics with their words. `which` is our own SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE.format(which=which), parameters)


def forget_blogs(ids: Iterable[int]) -> None:
    """Forget what these blogs were asked for and planned to be. An idea that was used goes back to the shop's ideas."""
    blogs = list(ids)
    with transaction.atomic():
        Topic.objects.filter(generation_id__in=blogs, kind=Kind.TITLE, offered_at__isnull=False).update(
            kind=Kind.IDEA, generation_id=None, holds=False
        )
        remove("generation_id = ANY(%s)", [blogs])


def prune_blogs(ids: Iterable[int]) -> None:
    """Forget blogs that are about to be deleted. The titles of those that were written stay: the shop has them."""
    over = "SELECT id FROM blog_generations WHERE id = ANY(%s) AND status <> 'DONE'"
    blogs = list(ids)
    remove(f"generation_id = ANY(%s) AND (kind = 'asked' OR generation_id IN ({over}))", [blogs, blogs])
