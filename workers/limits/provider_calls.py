"""What each paid call took, in a row of its own: for support, for sums, and for learning how much the next call needs.

The statement that settles the call's reservation (`limits.settle`) writes the row, so that it costs no round trip. That statement
may be repeated after an outage: of calls of the same work with the same request id and operation, one is kept. What a call for
several works took is shared out among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from workers.context import on_behalf
from workers.texts import storable_text

# No answer has as many tokens. A larger number is not believed, so that each row fits the columns.
_MOST = 100_000_000


@dataclass(slots=True)
class Usage:
    """Holds what a call is about, and what it took by its answer. `kind` and `language` name calls that are alike."""

    kind: str = ""
    language: str = ""
    prompt_bytes: int = 0
    output_max: int = 0
    model: str = ""
    """Names the price of the call. Empty: it costs nothing, such as a read."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    truncated: bool = False
    images: int = 0
    seconds: float | None = None
    """As the provider counts them; None where only we know how long it took."""


class Answer(NamedTuple):
    """The part of an ended call that others learn from."""

    work: int | None
    prompt_bytes: int
    prompt_tokens: int | None
    output_tokens: int
    output_max: int
    truncated: bool


def count(number: object) -> int | None:
    """Return a provider's number if it is one, else None: its JSON may hold anything."""
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MOST else None


def _share(quantity: str) -> str:
    """SQL of one work's share of a quantity. The shares add up to it."""
    among = "cardinality(%(works)s::bigint[])"
    return f"%({quantity})s::int / {among} + (share.nth <= mod(%({quantity})s::int, {among}))::int"


# A part of `statements.SETTLE`. Without a provider it keeps nothing. A call for several works has a row for each.
KEPT = f"""
kept AS (
    INSERT INTO workers_providercall (provider, operation, model, kind, language, work, site, at, seconds, outcome, request_id,
           tokens_reserved, prompt_bytes, prompt_tokens, cached_tokens, output_tokens, output_max, truncated, images)
    SELECT %(provider)s::text, %(operation)s::text, %(model)s::text, %(kind)s::text, %(language)s::text, share.work,
           %(site)s::bigint, clock_timestamp(), %(seconds)s::float8, %(outcome)s::text, %(request_id)s::text,
           {_share("tokens_reserved")}, {_share("prompt_bytes")}, {_share("prompt_tokens")},
           {_share("cached_tokens")}, {_share("output_tokens")}, {_share("output_max")}, %(truncated)s::boolean,
           {_share("images")}
      FROM unnest(%(works)s::bigint[]) WITH ORDINALITY AS share(work, nth)
     WHERE %(provider)s::text IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM workers_providercall c WHERE c.work = share.work AND c.request_id = %(request_id)s::text
                          AND c.operation = %(operation)s::text AND c.request_id <> '')
)
"""

NOTHING: Mapping[str, Any] = dict.fromkeys(
    [
        *("provider", "operation", "model", "kind", "language", "works", "site", "seconds", "outcome", "request_id"),
        *("tokens_reserved", "prompt_bytes", "prompt_tokens", "cached_tokens", "output_tokens", "output_max"),
        *("truncated", "images"),
    ]
)


def row(
    provider: str, operation: str, outcome: str, seconds: float, *, request_id: str, tokens_reserved: int, usage: Usage
) -> dict[str, Any]:
    """Return the parameters of `KEPT`. The request id comes from outside, so it is cleaned and cut."""
    caller = on_behalf.current()
    return {
        "provider": provider,
        "operation": operation[:40],
        "model": usage.model[:100],
        "kind": usage.kind[:40],
        "language": usage.language[:10],
        "works": list(caller.sharing) or [caller.work] if caller else [None],
        "site": caller.party if caller else None,
        "seconds": seconds if usage.seconds is None else usage.seconds,
        "outcome": outcome[:40],
        "request_id": storable_text(request_id)[:100],
        "tokens_reserved": tokens_reserved,
        "prompt_bytes": usage.prompt_bytes,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "output_max": usage.output_max,
        "truncated": usage.truncated,
        "images": usage.images,
    }


# Without refusals: they are short, and say nothing about how long an answer is.
_RECENT = """
SELECT work, prompt_bytes, prompt_tokens, output_tokens, output_max, truncated FROM workers_providercall
 WHERE kind = %(kind)s {of_language} AND output_tokens IS NOT NULL AND (outcome = 'ok' OR truncated)
 ORDER BY id DESC LIMIT %(count)s
"""
_RECENT_OF_KIND = _RECENT.format(of_language="")
_RECENT_OF_LANGUAGE = _RECENT.format(of_language="AND language = %(language)s")

_CUT_AT = "SELECT max(output_max) FROM workers_providercall WHERE work = %s AND kind = %s AND truncated"

_PRUNE = """
DELETE FROM workers_providercall WHERE id = ANY(ARRAY(
    SELECT id FROM workers_providercall WHERE at < (SELECT clock_timestamp()) - %s * interval '1 second' ORDER BY at LIMIT %s))
"""


def recent(kind: str, count: int, language: str | None = None) -> list[Answer]:
    """Return the newest answers of a kind, in one language or in all."""
    statement = _RECENT_OF_KIND if language is None else _RECENT_OF_LANGUAGE
    with connection.cursor() as cursor:
        cursor.execute(statement, {"kind": kind, "language": language, "count": count})
        return [Answer(*found) for found in cursor.fetchall()]


def cut_at(work: int, kind: str) -> int | None:
    """Return the largest output maximum that was too small for this very work."""
    with connection.cursor() as cursor:
        cursor.execute(_CUT_AT, [work, kind])
        found: int | None = cursor.fetchone()[0]
        return found


def prune(batch: int = 10_000) -> None:
    """Delete calls older than PROVIDER_CALL_RETENTION_DAYS, a batch at a time so that each transaction is short."""
    older_than = timedelta(days=settings.PROVIDER_CALL_RETENTION_DAYS).total_seconds()
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_PRUNE, [older_than, batch])
            if cursor.rowcount < batch:
                return
