"""The limits that all workers share: `limits.acquire` waits for a place, `limits.settle` notes what the call used."""

from workers.limits.limit import Limit, Named, Reservation
from workers.limits.limit_rows import prune, rate, register, settle, snapshot
from workers.limits.reservations import acquire, block, waiting, waiting_for_shared

__all__ = [
    "Limit",
    "Named",
    "Reservation",
    "acquire",
    "block",
    "prune",
    "rate",
    "register",
    "settle",
    "snapshot",
    "waiting",
    "waiting_for_shared",
]
