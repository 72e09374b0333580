"""What can go wrong with outside work, by what the caller should do about it."""

from __future__ import annotations

from enum import Enum


class WorkError(Exception):
    """Something a person may read: a stable `code` and one sentence without secrets."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message[:500]


class TooFast(Enum):
    """What a provider says about the pace of all of us."""

    RATE = "more than the limit"
    RAMP = "rising too fast, though within the limit"


class RateLimited(WorkError):
    """Not the work's fault, for all that is known: put it off for `retry_in` seconds and spend no attempt.

    `too_fast` if everybody should slow down.
    """

    def __init__(self, code: str, message: str, *, retry_in: float, too_fast: TooFast | None = None) -> None:
        super().__init__(code, message)
        self.retry_in = retry_in
        self.too_fast = too_fast


class ProviderDown(RateLimited):
    """Nobody asks this provider now, but for a probe. What it says is for shops: why it is down is for staff."""

    def __init__(self, provider: str, *, retry_in: float) -> None:
        message = "A service that we need is down; this goes on as soon as it is back."
        super().__init__("provider_down", message, retry_in=retry_in)
        self.provider = provider


class TransientError(WorkError):
    """May succeed next time."""


class ProviderFailure(TransientError):
    """Says more of the provider than of the work: 5xx, no connection, no answer in time."""


class PermanentError(WorkError):
    """Will fail the same way every time."""


class AccountRefused(PermanentError):
    """A key, a quota, a permission: something that a person must mend, unless only this work is refused. `for_all`: it can't be."""

    def __init__(self, code: str, message: str, *, for_all: bool = False) -> None:
        super().__init__(code, message)
        self.for_all = for_all


class LeaseLost(Exception):
    """Another worker holds this work by now: write nothing, leave."""
