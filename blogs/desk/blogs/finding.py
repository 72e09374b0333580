"""Searches by which staff find one blog among a million; each is answered by an index."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from blogs.desk.find import typed
from blogs.desk.find.blogs import having_words, named
from blogs.desk.search import SITES_MATCHED, sites_at, sites_called
from blogs.models import BlogGeneration


def found(blogs: QuerySet[BlogGeneration], term: str) -> QuerySet[BlogGeneration]:
    """Find blogs by what names one exactly, by a shop that is named so, or by words of topic, title, products and shop."""
    asked = typed.read(term)
    if not asked.text:
        return blogs
    if exact := named(asked):
        return blogs.filter(pk__in=exact.ids)
    if asked.number is not None:
        return blogs.none()
    if asked.uuid:
        return blogs.filter(site__in=sites_called(asked.uuid))
    shops = sites_at(asked.host) if asked.host else sites_called(asked.text)[:SITES_MATCHED]
    return having_words(blogs, asked.slug or asked.text, also_of=[shop.pk for shop in shops])


# Steps from one code to the next by index, once for each code. DISTINCT would read every failed blog.
_CODES = """
WITH RECURSIVE codes AS (
    (SELECT error_code FROM blog_generations WHERE error_code <> '' ORDER BY error_code LIMIT 1)
    UNION ALL
    SELECT (SELECT g.error_code FROM blog_generations g
             WHERE g.error_code <> '' AND g.error_code > codes.error_code ORDER BY g.error_code LIMIT 1)
      FROM codes WHERE codes.error_code IS NOT NULL
)
SELECT error_code FROM codes WHERE error_code IS NOT NULL LIMIT 100
"""

# `created_at` has no index, but ids grow with it, apart from overlapping transactions. So this halves the range of ids until the
# first one of that time is found, in some twenty look-ups by primary key.
_FIRST_SINCE = """
WITH RECURSIVE halves AS (
    SELECT coalesce(min(id), 0) AS low, coalesce(max(id), 0) + 1 AS high FROM blog_generations
    UNION ALL
    SELECT CASE WHEN middle.created_at < %(since)s THEN middle.id + 1 ELSE low END,
           CASE WHEN middle.created_at < %(since)s THEN high ELSE (low + high) / 2 END
      FROM halves CROSS JOIN LATERAL (
          SELECT id, created_at FROM blog_generations WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) AS middle
     WHERE low < high
)
SELECT max(low) FROM halves
"""


def first_since(since: datetime) -> int:
    """Find the lowest id of the blogs that were created then or later."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_SINCE, {"since": since})
        return int(cursor.fetchone()[0])


def error_codes() -> list[str]:
    """List the codes that any blog has, up to a hundred."""
    with connection.cursor() as cursor:
        cursor.execute(_CODES)
        return [code for (code,) in cursor.fetchall()]
