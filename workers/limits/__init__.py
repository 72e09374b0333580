"""The limits that all workers share: `limits.acquire` waits for a place, `limits.settle` notes what the call used."""

from workers.limits.limit import Limit, Named, Reservation
from workers.limits.limit_rows import following, prune, rate, register, settle, snapshot
from workers.limits.reservations import acquire, block, waiting, waiting_for_shared
from workers.limits.statements import PACED

__all__ = [
    "PACED",
    "Limit",
    "Named",
    "Reservation",
    "acquire",
    "block",
    "following",
    "prune",
    "rate",
    "register",
    "settle",
    "snapshot",
    "waiting",
    "waiting_for_shared",
]
