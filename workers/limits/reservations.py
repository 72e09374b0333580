"""Shared limits: reserve a place in time (GCRA) instead of counting in a window.

One row per limit holds two theoretical arrival times, requests and tokens. A reservation is one statement: under the row's
lock it finds the common start at which both fit, moves both on from that start, and answers how many seconds away it is.
(Moved separately, a mix of small and large calls put 507 requests into a minute of 450.) Pacing is even, with
rate = (limit - margin - largest cost) / 60, so that no 60-second window, wherever it starts, holds more than the limit; the
margin, 1 % of the requests and of the tokens what calls may be late by, pays for jitter.

Nothing is reserved more than two seconds ahead: beyond that the answer is "not yet". So what a killed process had reserved is
lost for two seconds only, and no call starts under an old limit later than that after the limit was lowered. In a process
the waiting threads form one line per limit, and only its head asks.

The configured numbers are where it starts. A refusal blocks and lowers the pace of everybody, and it rises again by itself; a limit
that the provider's answers name is followed (`learning`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from workers import metrics
from workers.context.deadline import remaining
from workers.context.process_memory import remembered
from workers.database.connections import briefly
from workers.database.prepared import Prepared
from workers.errors import PermanentError, RateLimited, TooFast
from workers.limits import provider_calls
from workers.limits import statements as sql
from workers.limits.local_line import LocalLine

# A slip of a provider's must not stop everybody until an engineer finds the row.
_LONGEST_BLOCK_SECONDS = 600.0
# When a limit that is too small for a call is looked at again.
_NAMED_AGAIN_SECONDS = 60.0
_STALE_ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limit:
    """Which budget: its numbers are `settings.RATE_LIMITS[provider]`. `key`: whose, where each site has its own."""

    provider: str
    model: str = ""
    key: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.provider, self.model, self.key) if part)

    @property
    def requests_per_minute(self) -> int:
        return settings.RATE_LIMITS[self.provider]["requests"]

    @property
    def tokens_per_minute(self) -> int | None:
        return settings.RATE_LIMITS[self.provider].get("tokens")


@dataclass(frozen=True, slots=True)
class Named:
    """What an answer says of our limit; None where it says nothing."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_remaining: int | None = None
    tokens_remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """The limit's row after an answer: the provider's numbers, whether this answer changed them, and the numbers in force."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    changed: bool
    requests_in_force: int
    tokens_in_force: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    limit: Limit
    tokens: int
    waited: float
    # When its request must have left, in this process's monotonic time.
    leave_by: float


def acquire(limit: Limit, *, tokens: int = 0) -> Reservation:
    """Wait until a call may start. Raises RateLimited after RATE_LIMIT_MAX_WAIT_SECONDS, PermanentError if it can never fit.

    Must not be called in a transaction: a row that stays locked while a thread waits would stop all others.
    """
    began = time.monotonic()
    give_up_at = began + min(settings.RATE_LIMIT_MAX_WAIT_SECONDS, remaining())
    line = _local_line(limit)
    while True:
        with line.head(give_up_at):
            start_at = _reserve_from_the_head(limit, tokens, give_up_at)
        time.sleep(max(0.0, start_at - time.monotonic()))
        if time.monotonic() < line.closed_until:
            continue  # told to stop since the place was given
        # A thread that overslept (a stopped process, a busy machine) would crowd whoever has the next place.
        late = time.monotonic() - start_at
        if late <= settings.RATE_LIMIT_LATE_SECONDS:
            leave_by = start_at + settings.RATE_LIMIT_LATE_SECONDS
            return Reservation(limit, tokens, waited=time.monotonic() - began, leave_by=leave_by)
        if time.monotonic() > give_up_at:
            raise RateLimited("rate_limited", f"This machine is {late:.1f} s late for each place it gets.", retry_in=10)


def ask(limit: Limit, tokens: int = 0) -> tuple[float, bool]:
    """One question, without waiting: in how many seconds is there a place, and is it ours now (or too far ahead to be reserved)?

    Raises PermanentError if the call is larger than the limit, RateLimited if it is only larger than what the provider names now.
    """
    horizon, late = settings.RATE_LIMIT_HORIZON_SECONDS, settings.RATE_LIMIT_LATE_SECONDS
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
    """Note what the call really used, if it is known; give back the share of the rest that RATE_LIMIT_TOKEN_REFUND says; and keep
    a row about it (`provider_calls.row`)."""
    unused = 0 if tokens_used is None else max(0, reservation.tokens - tokens_used)
    refund = unused * settings.RATE_LIMIT_TOKEN_REFUND
    if reservation.tokens:
        metrics.count(metrics.RESERVED, reservation.limit.provider, "tokens", by=-round(refund))
    used, late = tokens_used or 0, settings.RATE_LIMIT_LATE_SECONDS
    _execute(sql.SETTLE, id=_row_id(reservation.limit), used=used, refund=refund, late=late, **call, **following())


def block(limit: Limit, seconds: float, too_fast: TooFast | None = None) -> None:
    """The provider said "too many": nobody asks it again before then, or for ten minutes if it names a longer time.

    `too_fast`: and from then on all ask more slowly for a while.
    """
    seconds = seconds if 0 <= seconds <= _LONGEST_BLOCK_SECONDS else _LONGEST_BLOCK_SECONDS
    _local_line(limit).close_for(seconds)
    _row_ids.pop(limit, None)  # pruned or not, it must be there now
    _execute(
        sql.BLOCK,
        id=_row_id(limit),
        seconds=seconds,
        lowers=too_fast is not None,
        ramp=too_fast is TooFast.RAMP,
        factor=settings.RATE_LIMIT_LOWER_FACTOR,
        floor=settings.RATE_LIMIT_LOWER_FLOOR,
        again=settings.RATE_LIMIT_LOWER_AGAIN_SECONDS,
        recovery=settings.RATE_LIMIT_RECOVERY_SECONDS,
        growth=settings.RATE_LIMIT_RAMP_GROWTH,
    )


def learn(limit: Limit, named: Named, *, age: float) -> Learned | None:
    """Write down what an answer to a call that began `age` seconds ago named as the limit. None: the row was pruned."""
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


def waiting() -> dict[str, int]:
    """Threads of this process that wait, by limit."""
    with _lines_lock:
        return {str(limit): len(line) for limit, line in _lines.items() if len(line)}


def waiting_for_shared() -> int:
    """Threads of this process that wait for a limit which all sites share."""
    with _lines_lock:
        return sum(len(line) for limit, line in _lines.items() if not limit.key)


def rate(provider: str, what: str) -> float:
    """Of a shared limit's "requests" or "tokens" a second: as its row last said, and before that as configured."""
    per_minute: float = _rates.get((provider, what)) or settings.RATE_LIMITS[provider][what]
    return per_minute / 60


def snapshot(*providers: str) -> list[dict[str, Any]]:
    """Each shared limit of these providers as people need it; sites' own limits are left out."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SNAPSHOT, {"providers": list(providers), **following()})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def prune() -> None:
    """Forget usage of more than a day ago, and limits of single sites that nobody has used since."""
    _execute(sql.PRUNE)


def register(limit: Limit) -> None:
    """Make the limit's row, or bring it to the configured numbers."""
    _row_id(limit)


def _reserve_from_the_head(limit: Limit, tokens: int, give_up_at: float) -> float:
    """Ask until a place is given; when it starts, in this process's monotonic time."""
    while True:
        asked_at = time.monotonic()
        ahead, granted = ask(limit, tokens)
        now = time.monotonic()
        if granted and now - asked_at <= _STALE_ANSWER_SECONDS:
            return now + ahead
        if granted and now < give_up_at:
            continue  # this process may have been stopped since, and the place be long past
        if now + ahead > give_up_at:
            raise RateLimited("rate_limited", f"The limit of {limit.provider} is used up.", retry_in=ahead)
        time.sleep(min(ahead - settings.RATE_LIMIT_HORIZON_SECONDS, give_up_at - now))


def _too_large(limit: Limit, tokens: int, allowed: int) -> PermanentError | RateLimited:
    message = f"One call would need {tokens} of {allowed} tokens a minute."
    if tokens > (limit.tokens_per_minute or 0):
        return PermanentError("request_too_large", message)
    return RateLimited("rate_limited", message, retry_in=_NAMED_AGAIN_SECONDS)


@briefly
def _execute(statement: Prepared, **parameters: Any) -> Any:
    """One statement in a transaction of its own, and the connection given back: the caller is about to wait.

    It waits for a database that is away: an answer that is paid for must not be lost over its bookkeeping.
    """
    # Alone it is a transaction, in one round trip. Inside another, `durable` says that this is a mistake.
    alone = transaction.atomic(durable=True) if connection.in_atomic_block else nullcontext()
    with alone, connection.cursor() as cursor:
        statement.execute(cursor, parameters)
        return cursor.fetchone() if cursor.description else None


def following() -> dict[str, Any]:
    """Parameters of each statement that asks which numbers are in force."""
    return {"follow": settings.RATE_LIMIT_FOLLOW_PROVIDER, "follow_seconds": settings.RATE_LIMIT_FOLLOW_SECONDS}


_row_ids: dict[Limit, int] = remembered({})
# By provider and "requests" or "tokens": what a shared limit's row last said.
_rates: dict[tuple[str, str], float | None] = remembered({})


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


_lines: dict[Limit, LocalLine] = remembered({})
_lines_lock = threading.Lock()


def _local_line(limit: Limit) -> LocalLine:
    with _lines_lock:
        return _lines.setdefault(limit, LocalLine())
