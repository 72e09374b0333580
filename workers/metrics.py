"""Counters of this process, for heartbeat lines and health: small, in memory, and never by site."""

from __future__ import annotations

import threading
from collections import Counter

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
