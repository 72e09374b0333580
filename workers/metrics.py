"""Counters of this process, for heartbeat lines and for the pool's pace: small, in memory, and never by site."""

from __future__ import annotations

import threading
from collections import Counter

# Works that ended in success, and in failure: counted by the queue, told by the heartbeat.
DONE, FAILED = "works done", "works failed"
# What was reserved of a shared limit, by provider and "requests" or "tokens": counted by the limits, read by the pace.
RESERVED = "reserved"

_lock = threading.Lock()
_counters: Counter[tuple[str, ...]] = Counter()


def count(*name: str, by: int = 1) -> None:
    with _lock:
        _counters[name] += by


def observe_call(provider: str, operation: str, outcome: str, seconds: float) -> None:
    count("calls", provider, operation, outcome)
    count("call_ms", provider, operation, by=round(seconds * 1000))


def value(*name: str) -> int:
    with _lock:
        return _counters[name]
