"""The limits that all workers share: `limits.acquire` waits for a place, `limits.settle` says what the call used."""

from workers.limits.reservations import (
    Learned,
    Limit,
    Named,
    Reservation,
    acquire,
    ask,
    block,
    following,
    learn,
    prune,
    rate,
    register,
    settle,
    snapshot,
    waiting,
    waiting_for_shared,
)

__all__ = [
    "Learned",
    "Limit",
    "Named",
    "Reservation",
    "acquire",
    "ask",
    "block",
    "following",
    "learn",
    "prune",
    "rate",
    "register",
    "settle",
    "snapshot",
    "waiting",
    "waiting_for_shared",
]
