"""The limits as a process waits for them, without threads: one line a limit and replica, whose head asks PostgreSQL.

The rules are those of `limits.acquire`, and every place in the limits of OpenAI and Replicate is given by its SQL.
Spared are the questions whose answer would be "not yet": that answer is known by the same arithmetic here, and a test compares
the two. So is the whole of a shop's own limit at Wix, which is five to eight calls a blog.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from tests.bench.day_loop import Loop
from workers.errors import RateLimited
from workers.limits import Limit, limit_rows

# From the network and the threads' waking up; without it the same replica would always be the first of those that ask at once.
_JITTER_SECONDS = 0.005
# PostgreSQL counts microseconds, and they add up.
_SAME_SECONDS = 0.001


@dataclass(slots=True)
class Waiter:
    limit: Limit
    tokens: int
    give_up_at: float
    started: Callable[[], None]
    refused: Callable[[RateLimited], None]
    left: bool = field(default=False)


@dataclass(slots=True)
class Pace:
    """`workers.limits.statements.RESERVE` in Python."""

    limit: Limit
    requests_at: float = float("-inf")
    tokens_at: float = float("-inf")
    largest: int = 0

    def start(self, now: float, tokens: int) -> float:
        first_of_its_size = max(0, tokens - self.largest) * self._token_seconds(self.largest)
        return max(now, self.requests_at, self.tokens_at + first_of_its_size)

    def grant(self, start: float, tokens: int) -> None:
        requests = self.limit.requests_per_minute
        self.requests_at = start + 60 / max(requests - math.floor(requests * 0.01) - 1, 1)
        self.largest = max(self.largest, tokens)
        self.tokens_at = start + self._token_seconds(self.largest) * tokens

    def _token_seconds(self, largest: int) -> float:
        allowed = self.limit.tokens_per_minute
        if allowed is None:
            return 0.0
        on_time: float = allowed * (1 - settings.RATE_LIMIT_LATE_SECONDS / 60)
        return 60 / max(on_time - largest, allowed * 0.05)


class SharedLimits:
    """What PostgreSQL says, and what it granted: (when, tokens) by limit."""

    def __init__(self, loop: Loop) -> None:
        self.grants: dict[Limit, list[tuple[float, int]]] = defaultdict(list)
        self.questions = self.surprises = 0
        self._loop = loop
        self._paces: dict[Limit, Pace] = {}

    def ask(self, limit: Limit, tokens: int) -> tuple[float, bool]:
        """Where PostgreSQL's answer differs from ours, a surprise, PostgreSQL's counts."""
        now = self._loop.now
        pace = self._paces.setdefault(limit, Pace(limit))
        self.questions += 1
        start = pace.start(now, tokens)
        granted = start <= now + settings.RATE_LIMIT_HORIZON_SECONDS
        if granted and limit.provider != "wix":
            ahead, granted = limit_rows.ask(limit, tokens)
            self.surprises += not granted or abs(now + ahead - start) > _SAME_SECONDS
            start = now + ahead
        if granted:
            pace.grant(start, tokens)
            self.grants[limit].append((start, tokens))
        return start - now, granted


class LocalLines:
    """One replica's waiters."""

    def __init__(self, loop: Loop, shared: SharedLimits, dice: random.Random) -> None:
        self._loop = loop
        self._shared = shared
        self._dice = dice
        self._lines: dict[Limit, deque[Waiter]] = defaultdict(deque)

    def waiting(self, provider: str) -> dict[str, int]:
        return {str(limit): len(line) for limit, line in self._lines.items() if line and limit.provider == provider}

    def join(
        self, limit: Limit, tokens: int, started: Callable[[], None], refused: Callable[[RateLimited], None]
    ) -> None:
        """`started` when the call may begin, or `refused` after the longest wait: exactly one of them."""
        give_up_at = self._loop.now + settings.RATE_LIMIT_MAX_WAIT_SECONDS
        waiter = Waiter(limit, tokens, give_up_at, started, refused)
        line = self._lines[limit]
        line.append(waiter)
        if line[0] is waiter:
            self._ask(waiter)
        else:
            self._loop.at(give_up_at, lambda: self._give_up_behind_others(waiter))

    def _ask(self, waiter: Waiter) -> None:
        now = self._loop.now
        ahead, granted = self._shared.ask(waiter.limit, waiter.tokens)
        if granted:
            self._loop.at(now + ahead, waiter.started)
            self._leave(waiter)
        elif now + ahead > waiter.give_up_at:
            self._refuse(waiter, ahead)
        else:
            again_in = min(ahead - settings.RATE_LIMIT_HORIZON_SECONDS, waiter.give_up_at - now)
            self._loop.at(now + again_in + self._dice.uniform(0.001, _JITTER_SECONDS), lambda: self._ask(waiter))

    def _give_up_behind_others(self, waiter: Waiter) -> None:
        if not waiter.left and self._lines[waiter.limit][0] is not waiter:
            self._refuse(waiter, retry_in=10)

    def _refuse(self, waiter: Waiter, retry_in: float) -> None:
        self._leave(waiter)
        waiter.refused(RateLimited("rate_limited", f"The limit of {waiter.limit} is used up.", retry_in=retry_in))

    def _leave(self, waiter: Waiter) -> None:
        line = self._lines[waiter.limit]
        was_head = line[0] is waiter
        line.remove(waiter)
        waiter.left = True
        if was_head and line:
            head = line[0]
            self._loop.at(self._loop.now, lambda: self._ask(head) if not head.left else None)
