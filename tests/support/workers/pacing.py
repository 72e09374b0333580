"""Limits of the tests' own size, and when calls may start under them."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from workers.limits import Limit, reservations

OPENAI = Limit("openai", model="m")
REPLICATE = Limit("replicate")
# Of a minute's tokens: the rest is left for calls that leave RATE_LIMIT_LATE_SECONDS late.
ON_TIME = 1 - 0.25 / 60


def slow(settings: Any, **numbers: int) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "openai": {"requests": 60_000, **numbers}}


def schedule(limit: Limit, costs: list[int], settings: Any) -> list[float]:
    """Return when calls of these costs may start, without waiting for it: all places are given at once."""
    settings.RATE_LIMIT_HORIZON_SECONDS = 1e6
    starts = [reservations.reserve(limit, tokens, give_up_at=float("inf")) for tokens in costs]
    return [start - starts[0] for start in starts]


def most_in_a_minute(starts: list[float], weights: list[int]) -> int:
    """Return the weight of the fullest sliding minute, cut a little short: a start is known only as well as its answer was fast."""
    sums = [0, *accumulate(weights)]
    fullest, first = 0, 0
    for last, start in enumerate(starts):
        while start - starts[first] > 59.95:
            first += 1
        fullest = max(fullest, sums[last + 1] - sums[first])
    return fullest
