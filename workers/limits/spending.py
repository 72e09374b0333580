"""Sums up what paid calls took, by day, site and model, so that a month's cost is read from few rows however many calls it had.

Only what was used is summed up, and prices are looked up by who asks (`costs`): a price that is entered late counts for all of it.
A worker's chore folds in the calls that ended since the last time, but for those of the last minutes, which are read one by one: a
call's row may show a little after the time that it bears.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

# A call's row is written in one statement that ends long before that.
_SETTLED_SECONDS = 300
# What one transaction sums up at most.
_PORTION_HOURS = 24
# Of single sites: a year and the month before it. The sums of all sites stay.
_KEPT_DAYS = 400

# A call that told all it took. One that did not may cost something if it told a part, or was sent and perhaps answered.
# Refusals and errors cost nothing.
BILLED = "(prompt_tokens IS NOT NULL AND output_tokens IS NOT NULL OR images > 0)"
UNTOLD = f"""(NOT {BILLED} AND (prompt_tokens IS NOT NULL OR output_tokens IS NOT NULL
                            OR model <> '' AND outcome IN ('ok', 'timeout', 'aborted')))"""
QUANTITIES = f"""
    count(*) FILTER (WHERE {BILLED}) AS billed, count(*) FILTER (WHERE {UNTOLD}) AS untold,
    coalesce(sum(prompt_tokens), 0) AS prompt_tokens, coalesce(sum(cached_tokens), 0) AS cached_tokens,
    coalesce(sum(output_tokens), 0) AS output_tokens, coalesce(sum(images), 0) AS images
"""
DAY = "(at AT TIME ZONE 'UTC')::date"

# Where no row shows yet, one that bears an earlier time may show soon.
_BEGIN = f"""
INSERT INTO workers_spendmark (id, folded_to)
SELECT 1, coalesce((SELECT min(at) FROM workers_providercall), statement_timestamp() - interval '{_SETTLED_SECONDS} seconds')
ON CONFLICT DO NOTHING
"""
_NEXT = """
SELECT folded_to, least(folded_to + %s * interval '1 hour', statement_timestamp() - %s * interval '1 second')
  FROM workers_spendmark FOR UPDATE SKIP LOCKED
"""
_FOLD = f"""
INSERT INTO workers_spend AS spend
       (day, site, provider, model, billed, untold, prompt_tokens, cached_tokens, output_tokens, images)
SELECT * FROM (
    SELECT {DAY} AS day, CASE grouping(site) WHEN 0 THEN site ELSE 0 END AS site, provider, model, {QUANTITIES}
      FROM workers_providercall WHERE at >= %(since)s AND at < %(until)s
     GROUP BY GROUPING SETS (({DAY}, site, provider, model), ({DAY}, provider, model))
) AS sums WHERE site IS NOT NULL AND billed + untold > 0
ON CONFLICT (site, day, provider, model) DO UPDATE SET
    billed = spend.billed + excluded.billed, untold = spend.untold + excluded.untold,
    prompt_tokens = spend.prompt_tokens + excluded.prompt_tokens,
    cached_tokens = spend.cached_tokens + excluded.cached_tokens,
    output_tokens = spend.output_tokens + excluded.output_tokens, images = spend.images + excluded.images
"""
_PRUNE = (
    f"DELETE FROM workers_spend WHERE site <> 0 AND day < (statement_timestamp() - interval '{_KEPT_DAYS} days')::date"
)


def fold(go_on: Callable[[], bool] = lambda: True) -> None:
    """Sum up all that has settled, a day at a time, until `go_on` says no. However many workers try, one does it."""
    while go_on() and _portion():
        pass


def _portion() -> bool:
    """Sum up a day at most; return whether more is left."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NEXT, [_PORTION_HOURS, _SETTLED_SECONDS])
        marked = cursor.fetchone()
        if marked is None:
            cursor.execute(_BEGIN)
            return bool(cursor.rowcount)
        since, until = marked
        if until <= since:
            return False
        cursor.execute(_FOLD, {"since": since, "until": until})
        cursor.execute("UPDATE workers_spendmark SET folded_to = %s", [until])
        return _is_whole(since, until)


def _is_whole(since: datetime, until: datetime) -> bool:
    return (until - since).total_seconds() >= _PORTION_HOURS * 3600


def prune() -> None:
    """Delete the sums of single sites that are older than a year."""
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE)
