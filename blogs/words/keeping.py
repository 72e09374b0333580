"""Fills in the words that are missing: of blogs from before there were any, and of those that older code has made or moved since.

A worker reads through all blogs, the newest first, in portions by number. Where a portion lacks words it writes them, some hundreds
a second, so that a million blogs take about 40 minutes and other work hardly notices. To read through them again is cheap.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction

from blogs.models import BlogGeneration, BlogWords
from blogs.words import of_blogs

Level = BlogWords.Level

# How many numbers one look goes through, and how many blogs it fills in at most.
_LOOKED_AT = 5_000
_FILLED = 500
_SOON, _LATER = 1.0, 300.0
# Says that one worker is at it. Its number means nothing elsewhere.
_LOCK = 7_201_608


class _Lacking(NamedTuple):
    generation_id: int
    site_id: int
    source_type: str
    source_id: str
    idempotency_key: str | None
    metadata: str | None
    products: str | None
    title: str | None


class Keeper:
    """Where this process has got to in reading through all blogs."""

    def __init__(self) -> None:
        self._below: int | None = None
        self._was_through = False

    def look(self) -> float:
        """Fill in what the next portion lacks. Return in how many seconds to look again."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return _LATER
            if self._below is None:
                cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM blog_generations")
                self._below = int(cursor.fetchone()[0])
            after = max(0, self._below - _LOOKED_AT)
            cursor.execute(_FORGET, {"after": after, "below": self._below})
            cursor.execute(_LACKING, {"after": after, "below": self._below, "at_most": _FILLED})
            found = [_Lacking(*row) for row in cursor.fetchall()]
            if found:
                _write(found)
        self._below = found[-1].generation_id if len(found) == _FILLED else after
        if self._below == 0:
            self._below, self._was_through = None, True
        return _LATER if self._was_through and not found else _SOON


look = Keeper().look


def _write(lacking: Sequence[_Lacking]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [json.dumps([_row(each) for each in lacking])])


def _row(lacking: _Lacking) -> dict[str, Any]:
    blog = BlogGeneration(
        site_id=lacking.site_id,
        source_type=lacking.source_type,
        source_id=lacking.source_id,
        idempotency_key=lacking.idempotency_key,
    )
    products = json.loads(lacking.products or "{}")
    words = [
        *of_blogs.of_request(blog, json.loads(lacking.metadata or "{}")),
        *of_blogs.of_products(products),
        *of_blogs.of_title(lacking.title or ""),
    ]
    level = Level.TITLE if lacking.title is not None else Level.PRODUCTS if products else Level.TOPIC
    subject = of_blogs.subject(blog, products)
    return {"id": lacking.generation_id, "level": level, "subject": subject, "words": words}


def write_again(generation_id: int) -> None:
    """Give a blog the words that it has now, in place of those that it had, since its title is another.

    The caller's transaction has written the title.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OF_BLOG, [generation_id])
        row = _row(_Lacking(*cursor.fetchone()))
        cursor.execute(_WRITE_AGAIN, row)


_KNOWN = """
SELECT g.id, g.site_id, g.source_type, g.source_id, g.idempotency_key, d.metadata::text, p.output::text, a.title
  FROM blog_generations g
  LEFT JOIN blogs_blogwords w ON w.generation_id = g.id
  LEFT JOIN blogs_requestdetails d ON d.generation_id = g.id
  LEFT JOIN blogs_article a ON a.generation_id = g.id
  LEFT JOIN blogs_stageoutput p ON p.generation_id = g.id AND p.stage = 'products'
"""
_OF_BLOG = f"{_KNOWN} WHERE g.id = %s"
_WRITE_AGAIN = "UPDATE blogs_blogwords SET words = array_to_tsvector(%(words)s::text[]) WHERE generation_id = %(id)s"

_LACKING = f"""{_KNOWN}
 WHERE g.id > %(after)s AND g.id < %(below)s
   AND (w.generation_id IS NULL
        OR w.level < CASE WHEN a.generation_id IS NOT NULL THEN 2 WHEN p.id IS NOT NULL THEN 1 ELSE 0 END)
 ORDER BY g.id DESC LIMIT %(at_most)s
"""

# Older code removes old blogs without their words.
_FORGET = """
DELETE FROM blogs_blogwords w WHERE w.generation_id > %(after)s AND w.generation_id < %(below)s
   AND NOT EXISTS (SELECT FROM blog_generations g WHERE g.id = w.generation_id)
"""

# A stage may save its words at the same moment: none are taken away, and the higher level counts.
_FILL = """
INSERT INTO blogs_blogwords AS known (generation_id, level, subject, words)
SELECT id, level, subject, array_to_tsvector(words)
  FROM jsonb_to_recordset(%s) AS filled(id bigint, level int, subject text, words text[])
ON CONFLICT (generation_id) DO UPDATE
   SET words = known.words || excluded.words, level = greatest(known.level, excluded.level),
       subject = CASE WHEN excluded.subject = '' THEN known.subject ELSE excluded.subject END
"""
