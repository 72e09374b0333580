"""Fills the queue by set-based SQL, as many submits would have: sites with credits and lines, blogs with holds and events.

Every constraint and trigger of the real tables is in force, and `check_ledger` finds nothing wrong with the result.
"""

from __future__ import annotations

from django.db import connection

# More than any benchmark holds; a site's own balance never decides here.
_BALANCE = 1_000_000_000


def add_sites(count: int) -> list[int]:
    """New sites with an account and a line each; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD_SITES, {"count": count, "balance": _BALANCE})
        return [site_id for (site_id,) in cursor.fetchall()]


def add_blogs(count: int, sites: list[int], *, whale_share: float = 0.0, scheduled: bool = False) -> None:
    """`count` blogs, evenly over the sites, after the first of them has had its `whale_share` of all."""
    of_whale = round(count * whale_share)
    with connection.cursor() as cursor:
        if of_whale:
            cursor.execute(ADD_BLOGS, {"count": of_whale, "sites": sites[:1], "ready": not scheduled})
        cursor.execute(ADD_BLOGS, {"count": count - of_whale, "sites": sites, "ready": not scheduled})
        if not scheduled:
            cursor.execute(_COUNT_LINES)


def analyze() -> None:
    """As autovacuum has done on a database that didn't come into being in the last second."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


_ADD_SITES = """
WITH site AS (
    INSERT INTO wix_site (instance_id, name, url, language, created_at)
    SELECT gen_random_uuid(), 'Shop ' || n, 'https://shop-' || n || '.example', 'en', clock_timestamp()
      FROM generate_series(1, %(count)s) AS n
    RETURNING id
), line AS (
    INSERT INTO blogs_siteline (site_id, turn, step, waiting, paused)
    SELECT id, (SELECT turn FROM blogs_queueclock), 1, 0, false FROM site
), account AS (
    INSERT INTO credits_creditaccount (site_id, balance, held, debt) SELECT id, %(balance)s, 0, 0 FROM site RETURNING id
), entry AS (
    INSERT INTO credits_credit (account_id, kind, amount, balance_change, debt_change, reason)
    SELECT id, 'grant', %(balance)s, %(balance)s, 0, 'benchmark' FROM account
)
SELECT id FROM site ORDER BY id
"""

ADD_BLOGS = """
WITH blog AS (
    INSERT INTO blog_generations
        (site_id, status, source_type, source_id, language, tone, length, publish, priority, ready, run_after, stage, attempts,
         rescues, error_code, error_message, draft_post_url, created_at)
    SELECT (%(sites)s::bigint[])[1 + n %% cardinality(%(sites)s::bigint[])], 'PENDING', 'keyword', 'topic ' || n, '', 'friendly',
           'medium', false, 0, %(ready)s, CASE WHEN %(ready)s THEN NULL ELSE clock_timestamp() + interval '1 day' END,
           'products', 0, 0, '', '', '', clock_timestamp()
      FROM generate_series(0, %(count)s - 1) AS n
    RETURNING id, site_id, source_id
), words AS (
    INSERT INTO blogs_blogwords (generation_id, level, subject, words)
    SELECT id, 0, '', array_to_tsvector('{topic}'::text[] || split_part(source_id, ' ', 2) || ('@' || site_id)) FROM blog
), held AS (
    UPDATE credits_creditaccount a SET held = held + 25 * mine.blogs
      FROM (SELECT site_id, count(*) AS blogs FROM blog GROUP BY site_id) AS mine WHERE a.site_id = mine.site_id
), entry AS (
    INSERT INTO credits_credit
        (account_id, kind, amount, balance_change, debt_change, generation_id, hold_number, reason, created_at)
    SELECT a.id, 'hold', 25, 0, 0, blog.id, 0, '', clock_timestamp()
      FROM blog JOIN credits_creditaccount a ON a.site_id = blog.site_id
)
INSERT INTO blogs_generationevent (generation_id, kind, stage, attempt, worker, code, message)
SELECT id, 'submitted', 'products', 0, '', '', '' FROM blog
"""

_COUNT_LINES = """
UPDATE blogs_siteline l SET waiting = mine.blogs
  FROM (SELECT site_id, count(*) AS blogs FROM blog_generations WHERE ready GROUP BY site_id) AS mine
 WHERE l.site_id = mine.site_id AND l.waiting <> mine.blogs
"""
