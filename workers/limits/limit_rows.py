"""The limits' rows, which all workers share: each function here is one statement, or a few, in a transaction of its own.

The arithmetic is in `statements`. `reservations` waits for what is answered here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from workers import metrics
from workers.context.process_memory import remembered
from workers.database.connections import briefly
from workers.database.prepared import Prepared
from workers.errors import PermanentError, RateLimited, TooFast
from workers.limits import provider_calls
from workers.limits import statements as sql
from workers.limits.limit import Learned, Limit, Named, Reservation

# A provider that names a longer time by mistake must not stop all calls until an engineer finds the row.
_LONGEST_BLOCK_SECONDS = 600.0
# After this time a call asks again whether a limit that was too small for it has grown.
_NAMED_AGAIN_SECONDS = 60.0

_row_ids: dict[Limit, int] = remembered({})
# What a shared limit's row last said, by provider and "requests" or "tokens".
_rates: dict[tuple[str, str], float | None] = remembered({})


def ask(limit: Limit, tokens: int = 0, *, horizon: float = math.inf) -> tuple[float, bool]:
    """Ask once for a place: in how many seconds it begins, and whether it is now reserved or was too far ahead for that.

    A place is reserved at most RATE_LIMIT_HORIZON_SECONDS ahead, and `horizon`.
    Raises PermanentError if the call is larger than the limit, RateLimited if it is only larger than what the provider names now.
    """
    horizon, late = min(horizon, settings.RATE_LIMIT_HORIZON_SECONDS), settings.RATE_LIMIT_LATE_SECONDS
    while True:
        answer = _execute(sql.RESERVE, id=_row_id(limit), tokens=tokens, horizon=horizon, late=late, **following())
        if answer is None:
            _row_ids.pop(limit, None)  # the row was pruned since this process last used it
            continue
        ahead, granted, allowed, *pace = answer
        if allowed is not None and tokens > allowed:
            raise _too_large(limit, tokens, allowed)
        if not limit.key:
            _rates[limit.provider, "requests"], _rates[limit.provider, "tokens"] = pace
        if granted:
            metrics.count(metrics.RESERVED, limit.provider, "requests")
            metrics.count(metrics.RESERVED, limit.provider, "tokens", by=tokens)
        return float(ahead), bool(granted)


def settle(reservation: Reservation, tokens_used: int | None, call: Mapping[str, Any] = provider_calls.NOTHING) -> None:
    """Note what the call really used, if that is known, and keep a row about the call (`provider_calls.row`).

    Of what it did not use, RATE_LIMIT_TOKEN_REFUND says which share is given back.
    """
    unused = 0 if tokens_used is None else max(0, reservation.tokens - tokens_used)
    refund = unused * settings.RATE_LIMIT_TOKEN_REFUND
    if reservation.tokens:
        metrics.count(metrics.RESERVED, reservation.limit.provider, "tokens", by=-round(refund))
    used, late = tokens_used or 0, settings.RATE_LIMIT_LATE_SECONDS
    _execute(sql.SETTLE, id=_row_id(reservation.limit), used=used, refund=refund, late=late, **call, **following())


def block(limit: Limit, seconds: float, too_fast: TooFast | None) -> None:
    """Write down that no worker may call before `seconds` have passed (see `reservations.block`)."""
    _row_ids.pop(limit, None)  # pruned or not, it must be there now
    _execute(
        sql.BLOCK,
        id=_row_id(limit),
        seconds=believable(seconds),
        lowers=too_fast is not None,
        ramp=too_fast is TooFast.RAMP,
        factor=settings.RATE_LIMIT_LOWER_FACTOR,
        floor=settings.RATE_LIMIT_LOWER_FLOOR,
        again=settings.RATE_LIMIT_LOWER_AGAIN_SECONDS,
        recovery=settings.RATE_LIMIT_RECOVERY_SECONDS,
        growth=settings.RATE_LIMIT_RAMP_GROWTH,
    )


def believable(seconds: float) -> float:
    """Return how long a refusal blocks: as the provider says, but ten minutes where it names a longer time or a negative one."""
    return seconds if 0 <= seconds <= _LONGEST_BLOCK_SECONDS else _LONGEST_BLOCK_SECONDS


def learn(limit: Limit, named: Named, *, age: float) -> Learned | None:
    """Write down what an answer named as the limit; its call began `age` seconds ago. None: the row was pruned."""
    row = _execute(
        sql.LEARN,
        id=_row_id(limit),
        age=age,
        requests=named.requests_per_minute,
        tokens=named.tokens_per_minute,
        requests_remaining=named.requests_remaining,
        tokens_remaining=named.tokens_remaining,
        **following(),
    )
    return Learned(*row) if row else None


def rate(provider: str, what: str) -> float:
    """Return what a shared limit gives in a second of "requests" or "tokens": as its row last said, before that as configured."""
    per_minute: float = _rates.get((provider, what)) or settings.RATE_LIMITS[provider][what]
    return per_minute / 60


def snapshot(*providers: str) -> list[dict[str, Any]]:
    """Read each shared limit of these providers, for people; sites' own limits are left out."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SNAPSHOT, {"providers": list(providers), **following()})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def prune() -> None:
    """Delete usage of more than a day ago, and the limits of single sites that were not used since."""
    _execute(sql.PRUNE)


def register(limit: Limit) -> None:
    """Make the limit's row, or bring it to the configured numbers."""
    _row_id(limit)


def following() -> dict[str, Any]:
    """Return the parameters of each statement that asks which numbers are in force."""
    return {"follow": settings.RATE_LIMIT_FOLLOW_PROVIDER, "follow_seconds": settings.RATE_LIMIT_FOLLOW_SECONDS}


def _row_id(limit: Limit) -> int:
    if limit not in _row_ids:
        row = _execute(
            sql.ENSURE,
            provider=limit.provider,
            key=limit.key,
            model=limit.model,
            requests=limit.requests_per_minute,
            tokens=limit.tokens_per_minute,
        )
        _row_ids[limit] = row[0]
    return _row_ids[limit]


def _too_large(limit: Limit, tokens: int, allowed: int) -> PermanentError | RateLimited:
    message = f"One call would need {tokens} of {allowed} tokens a minute."
    if tokens > (limit.tokens_per_minute or 0):
        return PermanentError("request_too_large", message)
    return RateLimited("rate_limited", message, retry_in=_NAMED_AGAIN_SECONDS)


@briefly
def _execute(statement: Prepared, **parameters: Any) -> Any:
    """Run one statement in a transaction of its own and give the connection back, because the caller is about to wait.

    It waits for a database that is away: an answer that is paid for must not be lost over its bookkeeping.
    """
    # Alone it is a transaction, in one round trip. Inside another, `durable` says that this is a mistake.
    alone = transaction.atomic(durable=True) if connection.in_atomic_block else nullcontext()
    with alone, connection.cursor() as cursor:
        statement.execute(cursor, parameters)
        return cursor.fetchone() if cursor.description else None
