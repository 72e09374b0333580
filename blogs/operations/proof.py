"""The proof that the books are right: the ledger proves itself, and here each blog's state is compared with its entries.

`manage.py check_ledger` prints it, and the tests end with it.
"""

from __future__ import annotations

from django.db import connection, transaction

from credits import ledger
from credits.ledger import Discrepancy


def discrepancies() -> list[Discrepancy]:
    """Return what does not add up, by account; empty is the proof that accounts, entries and blogs agree.

    Each statement reads one snapshot, so blogs that move meanwhile can't look like errors.
    """
    found = ledger.discrepancies() + _of_blogs()
    return sorted(found, key=lambda each: (each.account_id is None, each.account_id))


def _of_blogs() -> list[Discrepancy]:
    with transaction.atomic(), connection.cursor() as cursor:
        # It reads everything anyway. By statistics from when the tables were empty, nested loops would read all once a blog.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_BLOGS)
        return [Discrepancy(*row) for row in cursor.fetchall()]


_BLOGS = """
WITH blogs AS (
    -- Pruned blogs have entries and no row: their status is NULL.
    SELECT c.account_id, c.generation_id,
           count(*) FILTER (WHERE kind = 'hold') - count(*) FILTER (WHERE kind IN ('capture', 'release')) AS open_holds,
           count(*) FILTER (WHERE kind = 'capture') AS captures,
           min(g.status) AS status
      FROM credits_credit c LEFT JOIN blog_generations g ON g.id = c.generation_id
     WHERE c.generation_id IS NOT NULL
     GROUP BY c.account_id, c.generation_id
)
SELECT a.id, a.site_id,
       format('blog %s is %s with %s open holds and %s captures', b.generation_id, b.status, open_holds, captures)
  FROM blogs b JOIN credits_creditaccount a ON a.id = b.account_id
 WHERE b.status IS NOT NULL
   AND (open_holds, captures) IS DISTINCT FROM CASE b.status
       WHEN 'DONE' THEN (0::bigint, 1::bigint)
       WHEN 'FAILED' THEN (0::bigint, 0::bigint) WHEN 'CANCELLED' THEN (0::bigint, 0::bigint)
       ELSE (1::bigint, 0::bigint) END
UNION ALL
SELECT a.id, g.site_id, format('blog %s is %s without any entry', g.id, g.status)
  FROM blog_generations g LEFT JOIN credits_creditaccount a ON a.site_id = g.site_id
 WHERE NOT EXISTS (SELECT 1 FROM credits_credit c WHERE c.generation_id = g.id)
ORDER BY 1
"""
