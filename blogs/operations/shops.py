"""Numbers of all shops together: no number of a single shop is shown, since /metrics may be read without a token."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Shops:
    connected: int
    waiting: int
    """Shops with blogs in line."""
    paused: int
    """Shops whose line is paused and holds blogs."""
    largest_share: float
    """The share of all blogs in line that the shop with the most has: near 1, the queue is one shop's doing."""
    credits_held: int
    credits_free: int


# Three small tables, a row a shop.
_SHOPS = """
SELECT (SELECT count(*) FROM wix_site WHERE removed_at IS NULL),
       count(*) FILTER (WHERE NOT paused), count(*) FILTER (WHERE paused),
       coalesce(max(waiting) FILTER (WHERE NOT paused)::float8 / nullif(sum(waiting) FILTER (WHERE NOT paused), 0), 0),
       (SELECT coalesce(sum(held), 0) FROM credits_creditaccount),
       (SELECT coalesce(sum(balance - held), 0) FROM credits_creditaccount)
  FROM blogs_siteline WHERE waiting > 0
"""


def shops() -> Shops:
    with connection.cursor() as cursor:
        cursor.execute(_SHOPS)
        return Shops(*cursor.fetchone())
