"""Reserving a place in time in a shared limit (GCRA), instead of counting calls in a window.

Each limit has one row with two theoretical arrival times, of requests and of tokens. A reservation is one statement: under the
row's lock it finds the first start at which both fit, moves both on from that start, and answers how many seconds away it is.
(Moved separately, a mix of small and large calls put 507 requests into a minute of 450.) Pacing is even, with
rate = (limit - margin - largest cost) / 60, so that no 60 seconds, wherever they begin, hold more than the limit. The margin pays
for jitter: it is 1 % of the requests, and of the tokens what calls may be late by.

A place is reserved at most two seconds ahead; a call that would start later is told "not yet". So what a killed process had
reserved is lost for two seconds only, and two seconds after a limit is lowered no call starts under the old one. The waiting
threads of a process form one line per limit, and only the line's head asks.

The configured numbers are where the pace starts. A refusal blocks all workers and lowers their pace, which then rises again by
itself. A limit that the provider's answers name is followed (`learning`).
"""

from __future__ import annotations

import math
import threading
import time

from django.conf import settings

from workers.context.deadline import remaining
from workers.context.process_memory import remembered
from workers.errors import RateLimited, TooFast
from workers.limits import limit_rows
from workers.limits.limit import Limit, Reservation
from workers.limits.local_line import LocalLine

_lines: dict[Limit, LocalLine] = remembered({})
_lines_lock = threading.Lock()


def acquire(limit: Limit, *, tokens: int = 0, patience: float = math.inf) -> Reservation:
    """Wait until a call may start. Raises RateLimited after RATE_LIMIT_MAX_WAIT_SECONDS, PermanentError if it can never fit.

    With less `patience` than that, in seconds, it is told sooner; a place that begins later is not even reserved.

    Must not be called in a transaction: a row that stays locked while a thread waits would stop all others.
    """
    began = time.monotonic()
    give_up_at = began + min(settings.RATE_LIMIT_MAX_WAIT_SECONDS, patience, remaining())
    line = local_line(limit)
    while True:
        with line.head(give_up_at):
            start_at = reserve(limit, tokens, give_up_at, horizon=patience)
        time.sleep(max(0.0, start_at - time.monotonic()))
        if time.monotonic() < line.closed_until:
            continue  # told to stop since the place was given
        # A thread that overslept (a stopped process, a busy machine) would crowd the call that has the next place.
        late = time.monotonic() - start_at
        if late <= settings.RATE_LIMIT_LATE_SECONDS:
            leave_by = start_at + settings.RATE_LIMIT_LATE_SECONDS
            return Reservation(limit, tokens, waited=time.monotonic() - began, leave_by=leave_by)
        if time.monotonic() > give_up_at:
            raise RateLimited("rate_limited", f"This machine is {late:.1f} s late for each place it gets.", guess=10)


def reserve(
    limit: Limit, tokens: int, give_up_at: float, *, stale_seconds: float = 1.0, horizon: float = math.inf
) -> float:
    """Ask until a place is given; return when it starts, in this process's monotonic time: at most `horizon` seconds from now.

    An answer that took longer than `stale_seconds` is not believed: this process may have been stopped, and the place be long past.
    """
    while True:
        asked_at = time.monotonic()
        ahead, granted = limit_rows.ask(limit, tokens, horizon=horizon)
        now = time.monotonic()
        if granted and now - asked_at <= stale_seconds:
            return now + ahead
        if granted and now < give_up_at:
            continue
        if now + ahead > give_up_at:
            raise RateLimited("rate_limited", f"The limit of {limit.provider} is used up.", retry_in=ahead)
        time.sleep(min(ahead - min(horizon, settings.RATE_LIMIT_HORIZON_SECONDS), give_up_at - now))


def block(limit: Limit, seconds: float, too_fast: TooFast | None = None) -> None:
    """Let no worker call before `seconds` have passed: the provider has refused a call.

    `too_fast`: after that all calls are paced more slowly for a while.
    """
    # This process's threads stop before the row is written.
    local_line(limit).close_for(limit_rows.believable(seconds))
    limit_rows.block(limit, seconds, too_fast)


def waiting() -> dict[str, int]:
    """Count the threads of this process that wait, by the limit's name."""
    with _lines_lock:
        return {str(limit): len(line) for limit, line in _lines.items() if len(line)}


def waiting_for_shared() -> int:
    """Count the threads of this process that wait for a limit which all sites share."""
    with _lines_lock:
        return sum(len(line) for limit, line in _lines.items() if not limit.key)


def local_line(limit: Limit) -> LocalLine:
    with _lines_lock:
        return _lines.setdefault(limit, LocalLine())
