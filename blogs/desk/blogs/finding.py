"""Searches by which staff find one blog among a million; each is answered by an index."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Left, Lower

from blogs.desk.search import SITES_MATCHED, as_id, sites_called
from blogs.models import SOURCE_ID_INDEXED, BlogGeneration
from wix.client.fields import uuid_or_none
from wix.models import Site


def found(blogs: QuerySet[BlogGeneration], term: str) -> QuerySet[BlogGeneration]:
    """Find blogs by number, by Wix's id of the draft or of the site, else by how the topic or the site's name begins."""
    if not term:
        return blogs
    if blog_id := as_id(term):
        return blogs.filter(pk=blog_id)
    if wix_id := uuid_or_none(term):
        # Two queries, because an OR across the two tables would use neither index.
        site_id = Site.objects.filter(instance_id=wix_id).values_list("pk", flat=True).first()
        return blogs.filter(site_id=site_id) if site_id else blogs.filter(draft_post_id=wix_id)
    site_ids = list(sites_called(term).values_list("pk", flat=True)[:SITES_MATCHED])
    topic = term[:SOURCE_ID_INDEXED].lower()
    return blogs.alias(topic_begins=Lower(Left("source_id", SOURCE_ID_INDEXED))).filter(
        Q(topic_begins__startswith=topic) | Q(site_id__in=site_ids)
    )


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
