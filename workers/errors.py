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
    """Not the work's fault: put it off for `retry_in` seconds and spend no attempt. `too_fast` if everybody should slow down."""

    def __init__(self, code: str, message: str, *, retry_in: float, too_fast: TooFast | None = None) -> None:
        super().__init__(code, message)
        self.retry_in = retry_in
        self.too_fast = too_fast


class TransientError(WorkError):
    """May succeed next time."""


class PermanentError(WorkError):
    """Will fail the same way every time."""


class LeaseLost(Exception):
    """Another worker holds this work by now: write nothing, leave."""
