"""What calls cost in US dollars: what they took, times the prices of their day. Without a price it is unknown, never 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from workers.limits.spending import BILLED, DAY, QUANTITIES, UNTOLD

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of which a part may be unknown: `unpriced` calls have no price, or did not tell what they took."""

    dollars: Decimal = NOTHING
    unpriced: int = 0
    calls: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.dollars + other.dollars, self.unpriced + other.unpriced, self.calls + other.calls)

    @property
    def is_exact(self) -> bool:
        return not self.unpriced

    def __str__(self) -> str:
        if self.is_exact:
            return in_dollars(self.dollars)
        calls = f"{self.unpriced:,} call{'' if self.unpriced == 1 else 's'} without a price"
        return f"at least {in_dollars(self.dollars)}, {calls}" if self.dollars else f"unknown, {calls}"


def in_dollars(amount: Decimal) -> str:
    """Write an amount with cents, or with hundredths of cents where it is below a dollar."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if 0 < size < Decimal("0.0001"):
        return f"{sign}under $0.0001"
    return f"{sign}${size:,.2f}" if size >= 1 or not size else f"{sign}${size:.4f}"


@dataclass(frozen=True, slots=True)
class Line:
    """What one model took on a day or over a while, and what that cost."""

    key: Any
    provider: str
    model: str
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    images: int
    cost: Cost


# The days on which each price holds. Of two that begin on one day, the one that was entered last holds.
PRICES = """
price AS MATERIALIZED (
    SELECT *, lead(valid_from, 1, 'infinity') OVER (PARTITION BY provider, model ORDER BY valid_from) AS valid_to
      FROM (SELECT DISTINCT ON (provider, model, valid_from) * FROM workers_price
             ORDER BY provider, model, valid_from, id DESC) AS latest
)
"""
# Of a row `used` with the quantities of `spending`, joined with its `price`.
JOIN = """
LEFT JOIN price ON price.provider = used.provider AND price.model = used.model
               AND used.day >= price.valid_from AND used.day < price.valid_to
"""
HAS_PRICE = """
    ((used.images = 0 OR price.per_picture IS NOT NULL)
     AND (used.prompt_tokens + used.output_tokens = 0 OR price.input_per_million IS NOT NULL))
"""
DOLLARS = """
    ((used.prompt_tokens - used.cached_tokens) * coalesce(price.input_per_million, 0)
      + used.cached_tokens * coalesce(price.cached_per_million, price.input_per_million, 0)
      + used.output_tokens * coalesce(price.output_per_million, 0)) / 1000000
    + used.images * coalesce(price.per_picture, 0)
"""
_SUMS = f"""
    sum(used.prompt_tokens)::bigint, sum(used.cached_tokens)::bigint, sum(used.output_tokens)::bigint,
    sum(used.images)::bigint,
    coalesce(sum({DOLLARS}), 0),
    sum(used.untold + CASE WHEN {HAS_PRICE} THEN 0 ELSE used.billed END)::bigint, sum(used.billed + used.untold)::bigint
"""


def _spent(key: str) -> str:
    """SQL of the sums by `key` since a day, of all sites (0) or of some: what is folded in, and the calls since then."""
    return f"""
WITH {PRICES}, rest AS MATERIALIZED (
    SELECT {DAY} AS day, site, provider, model, prompt_tokens, cached_tokens, output_tokens, images, outcome
      FROM workers_providercall
     WHERE at >= greatest(%(since)s::date::timestamp AT TIME ZONE 'UTC', (SELECT folded_to FROM workers_spendmark))
       AND (0 = ANY(%(sites)s) OR site = ANY(%(sites)s))
), used AS MATERIALIZED (
    -- Added up before prices are looked up: many sites have many rows of a day.
    SELECT day, provider, model, sum(billed) AS billed, sum(untold) AS untold, sum(prompt_tokens) AS prompt_tokens,
           sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens, sum(images) AS images
      FROM (SELECT day, provider, model, billed, untold, prompt_tokens, cached_tokens, output_tokens, images
              FROM workers_spend WHERE site = ANY(%(sites)s) AND day >= %(since)s
            UNION ALL
            SELECT day, provider, model, {QUANTITIES} FROM rest GROUP BY day, provider, model) AS parts
     GROUP BY day, provider, model
)
SELECT {key} AS key, used.provider, used.model, {_SUMS} FROM used {JOIN}
 WHERE used.billed + used.untold > 0 GROUP BY key, used.provider, used.model ORDER BY key, used.provider, used.model
"""


_BY_DAY = _spent("used.day")
_BY_MONTH = _spent("date_trunc('month', used.day)::date")
_EVERYBODY = [0]


def by_day(since: date, sites: Iterable[int] = _EVERYBODY) -> list[Line]:
    """List what each model took and cost on each day since then."""
    return _lines(_BY_DAY, since, sites)


def by_month(since: date, sites: Iterable[int] = _EVERYBODY) -> list[Line]:
    """List what each model took and cost in each month since that day; the key is the month's first day."""
    return _lines(_BY_MONTH, since, sites)


def total(lines: Iterable[Line]) -> Cost:
    return total_of(line.cost for line in lines)


def total_of(parts: Iterable[Cost]) -> Cost:
    return sum(parts, Cost())


def _lines(statement: str, since: date, sites: Iterable[int]) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"since": since, "sites": list(sites)})
        return [
            Line(key, provider, model, prompt, cached, output, images, Cost(dollars, unpriced, calls))
            for key, provider, model, prompt, cached, output, images, dollars, unpriced, calls in cursor.fetchall()
        ]


def of_works(which: str) -> str:
    """Begin SQL with `priced`: each call that may have cost something, of those `which`, a condition on `call.work`."""
    return f"""
WITH {PRICES}, used AS MATERIALIZED (
    SELECT call.id, call.work, {DAY} AS day, call.provider, call.model, coalesce(prompt_tokens, 0) AS prompt_tokens,
           coalesce(cached_tokens, 0) AS cached_tokens, coalesce(output_tokens, 0) AS output_tokens, images,
           {BILLED} AS billed, {UNTOLD} AS untold
      FROM workers_providercall AS call WHERE {which}
), priced AS (
    SELECT used.id, used.work, {DOLLARS} AS dollars, used.untold OR NOT {HAS_PRICE} AS unpriced
      FROM used {JOIN} WHERE used.billed OR used.untold
)
"""


_OF_WORK = of_works("call.work = %s") + "SELECT id, dollars, unpriced FROM priced"


def of_work(work: int) -> dict[int, Cost]:
    """Return what each paid call of one work cost, by the call's number; those that are free are not in it."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_WORK, [work])
        return {call: Cost(dollars, int(unpriced), 1) for call, dollars, unpriced in cursor.fetchall()}


_OF_WORKS = of_works("call.work = ANY(%s::bigint[])") + (
    "SELECT coalesce(sum(dollars), 0), count(*) FILTER (WHERE unpriced), count(*) FROM priced"
)


def of_all(works: Iterable[int]) -> Cost:
    """Return what all these works have cost together."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_WORKS, [list(works)])
        return Cost(*cursor.fetchone())
