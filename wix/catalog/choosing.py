"""Chooses the products that fit a topic. PostgreSQL does it, so that no thread ever holds a whole catalog."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from wix.catalog import words
from workers.database.connections import briefly

# A word in a name counts twice as much as one in a text. The fewer of the shop's products have a word, the more it counts ("for"
# is in all of them). Where no product fits, any are chosen, in the order in which the shop has them.
#
# Each product is scored by a sub-select, and nothing is joined. The planner has no statistics of a catalog that was just written:
# it took 12,000 rows for one, and its nested loops over them took 40 s.
_CHOOSE = """
WITH shown AS MATERIALIZED (
    SELECT id, words, in_stock FROM wix_catalogueproduct
     WHERE catalogue_id = %(instance_id)s
       AND reading = (SELECT shown FROM wix_catalogue WHERE instance_id = %(instance_id)s)
       AND (%(collection)s = '' OR collection_ids ? %(collection)s)
), topic AS MATERIALIZED (
    SELECT (word || 'AD')::tsquery AS word, (word || 'A')::tsquery AS in_name,
           ln((SELECT count(*) + 1 FROM shown)::float
              / (SELECT count(*) + 1 FROM shown WHERE words @@ (word || 'AD')::tsquery)) AS says
      FROM unnest(%(topic)s::text[]) AS word
), best AS MATERIALIZED (
    SELECT id, in_stock, (
               SELECT sum(CASE WHEN words @@ word THEN says * CASE WHEN words @@ in_name THEN 2 ELSE 1 END END) FROM topic
           ) AS fit
      FROM shown ORDER BY 3 DESC NULLS LAST, in_stock DESC, id LIMIT %(at_most)s
)
SELECT (SELECT data::text FROM wix_catalogueproduct p WHERE p.id = best.id) FROM best
 ORDER BY fit DESC NULLS LAST, in_stock DESC, id
"""


@briefly
def choose(instance_id: str, topic: str, *, at_most: int, collection_id: str = "") -> list[dict[str, Any]]:
    """Return up to `at_most` products of the reading that is shown, best first, as `Product.as_dict` made them."""
    asked: dict[str, Any] = {
        "instance_id": instance_id,
        "topic": words.queries(topic),
        "collection": collection_id,
        "at_most": at_most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE, asked)
        return [json.loads(data) for (data,) in cursor.fetchall()]
