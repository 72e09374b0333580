"""Tidies the bank: outlines that stand with their articles, ideas that blogs did not use, topics of removed sites. A chore."""

from __future__ import annotations

from django.db import connection

_AT_ONCE = 1_000
# How long a site that was removed may come back and find its topics.
_REMOVED_DAYS = 30

# What a batch had planned for a blog that was cancelled stays as an idea; so does an idea whose blog failed or was cancelled. An
# hour later: staff and shops retry blogs soon or never.
_FREED = f"""
UPDATE blogs_topic SET kind = 'idea', generation_id = NULL, holds = false, offered_at = coalesce(offered_at, statement_timestamp())
 WHERE id = ANY(ARRAY(
    SELECT t.id FROM blogs_topic t JOIN blog_generations g ON g.id = t.generation_id
     WHERE t.kind = 'title' AND t.plan IS NOT NULL AND g.finished_at < statement_timestamp() - interval '1 hour'
       AND (g.status = 'CANCELLED' AND NOT EXISTS (SELECT 1 FROM blogs_article a WHERE a.generation_id = g.id)
            OR g.status = 'FAILED' AND t.offered_at IS NOT NULL)
     LIMIT {_AT_ONCE}))
"""
# The shop goes on seeing what its used ideas were.
_WRITTEN = f"""
UPDATE blogs_topic SET plan = NULL WHERE id = ANY(ARRAY(
    SELECT t.id FROM blogs_topic t LEFT JOIN blog_generations g ON g.id = t.generation_id
     WHERE t.kind = 'title' AND t.plan IS NOT NULL AND t.offered_at IS NULL
       AND (g.id IS NULL OR g.status IN ('DONE', 'FAILED') AND g.finished_at < statement_timestamp() - interval '1 hour')
     LIMIT {_AT_ONCE}))
"""
_NO_LONGER_ASKED = f"""
DELETE FROM blogs_ideaasked WHERE generation_id = ANY(ARRAY(
    SELECT a.generation_id FROM blogs_ideaasked a LEFT JOIN blog_generations l ON l.id = a.leader_id
     WHERE l.status IS DISTINCT FROM 'PROCESSING' OR l.lease_token IS DISTINCT FROM a.leader_token LIMIT {_AT_ONCE}))
"""
_OF_REMOVED = f"""
WITH gone AS (
    DELETE FROM blogs_topic WHERE id = ANY(ARRAY(
        SELECT t.id FROM wix_site s JOIN blogs_topic t ON t.site_id = s.id
         WHERE s.removed_at < statement_timestamp() - interval '{_REMOVED_DAYS} days' LIMIT {_AT_ONCE}))
    RETURNING id)
DELETE FROM blogs_topicstem WHERE topic_id = ANY(ARRAY(SELECT id FROM gone))
"""
_ORDERS_OF_REMOVED = f"""
DELETE FROM blogs_ideaorder o USING wix_site s
 WHERE s.id = o.site_id AND s.removed_at < statement_timestamp() - interval '{_REMOVED_DAYS} days'
"""


def tidy() -> None:
    """Do all of it, some rows in each transaction."""
    with connection.cursor() as cursor:
        for statement in (_FREED, _WRITTEN, _NO_LONGER_ASKED, _OF_REMOVED):
            cursor.execute(statement)
            while cursor.rowcount >= _AT_ONCE:
                cursor.execute(statement)
        cursor.execute(_ORDERS_OF_REMOVED)
