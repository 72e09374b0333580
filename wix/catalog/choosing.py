"""Which products fit a topic: decided in PostgreSQL, so that no thread ever holds a whole catalogue."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from wix.catalog import words
from workers.outage import outlasts_an_outage
from workers.rate_limits import release_connection

# A word in a name says twice as much as one in a text; and the fewer of the shop's products have it, the more it says ("for" is
# in all of them). Where nothing fits, any products do, in the order in which the shop has them.
_CHOOSE = """
WITH shown AS MATERIALIZED (
    SELECT p.id, p.words, p.in_stock
      FROM wix_catalogue c JOIN wix_catalogueproduct p ON p.catalogue_id = c.instance_id AND p.reading = c.shown
     WHERE c.instance_id = %(instance_id)s AND (%(collection)s = '' OR %(collection)s = ANY(p.collection_ids))
), topic AS MATERIALIZED (
    SELECT (word || 'AD')::tsquery AS word, (word || 'A')::tsquery AS in_name
      FROM unnest(%(topic)s::text[]) AS word
), hits AS (
    SELECT shown.id, topic.word, CASE WHEN shown.words @@ topic.in_name THEN 2 ELSE 1 END AS weight,
           count(*) OVER (PARTITION BY topic.word) AS holders
      FROM topic JOIN shown ON shown.words @@ topic.word
), fits AS (
    SELECT id, sum(weight * ln((SELECT count(*) + 1 FROM shown)::float / holders)) AS fit FROM hits GROUP BY id
), best AS (
    SELECT id, fit, in_stock FROM shown LEFT JOIN fits USING (id)
     ORDER BY coalesce(fit, 0) DESC, in_stock DESC, id LIMIT %(at_most)s
)
SELECT p.data::text FROM best JOIN wix_catalogueproduct p USING (id)
 ORDER BY coalesce(best.fit, 0) DESC, best.in_stock DESC, id
"""


@outlasts_an_outage
def choose(instance_id: str, topic: str, *, at_most: int, collection_id: str = "") -> list[dict[str, Any]]:
    """From what is shown now, as `Product.as_dict` made them."""
    asked: dict[str, Any] = {
        "instance_id": instance_id,
        "topic": words.queries(topic),
        "collection": collection_id,
        "at_most": at_most,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CHOOSE, asked)
            return [json.loads(data) for (data,) in cursor.fetchall()]
    finally:
        release_connection()
