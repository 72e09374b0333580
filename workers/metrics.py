"""Counters of this process: small, in memory, and never by site.

Some are for heartbeat lines and for the pool's pace. Those that are PUBLISHED are written into this process's row every few seconds
(`database/process_counts.py`), and /metrics shows the sums of all processes.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections import Counter

# Works that ended in success, and in failure: counted by the queue, told by the heartbeat.
DONE, FAILED = "works done", "works failed"
# What was reserved of a shared limit, by provider and "requests" or "tokens": counted by the limits, read by the pace.
RESERVED = "reserved"

# What has happened to works: by event and code.
EVENTS = "events"
# By provider, operation and outcome.
CALLS = "calls"
# What paid calls took: by the call's kind, and "prompt", "output" or "reserved".
TOKENS = "tokens"
# What the gate and the critic found in works' texts: by check and level.
FINDINGS = "findings"
# By route, method and status.
REQUESTS = "requests"
# Webhooks by what became of them: as they came in, and as a worker handled them.
WEBHOOKS_RECEIVED, WEBHOOKS_HANDLED = "webhooks received", "webhooks handled"
# Messages to shops' own endpoints, by what came of each sending.
WEBHOOKS_SENT = "webhooks sent"
# Streams of live events that are open.
LISTENERS = "listeners"
# Ranges that shops were told for starts and ends: by what came of them; and how far off their middles were, as shares.
ESTIMATES, ESTIMATE_ERROR = "estimates", "estimate error"
# Seconds: of a stage by its name and outcome, of a call by provider and operation, of a request by its route.
STAGE_SECONDS, CALL_SECONDS, REQUEST_SECONDS = "stage seconds", "call seconds", "request seconds"

# The upper bounds of the histograms' buckets, in seconds; above the last one is a bucket "inf". A count names its bound, so that
# another release may have other bounds.
BUCKETS: dict[str, tuple[float, ...]] = {
    STAGE_SECONDS: (0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300),
    CALL_SECONDS: (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180),
    ESTIMATE_ERROR: (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 4),
    REQUEST_SECONDS: (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
}
# They count what is there now, and end with their process.
GAUGES = frozenset({LISTENERS})
PUBLISHED = frozenset(
    {
        *(
            EVENTS,
            CALLS,
            TOKENS,
            FINDINGS,
            REQUESTS,
            WEBHOOKS_RECEIVED,
            WEBHOOKS_HANDLED,
            WEBHOOKS_SENT,
            LISTENERS,
            ESTIMATES,
        ),
        *BUCKETS,
    },
)
# In place of a bucket's bound: the sum of all seconds, in microseconds. All counts are whole numbers, so that sums are exact.
SUM = "sum"

# A label is one of our own names. If a stranger's text should ever get here, it must neither fill the memory nor show.
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{0,60}")
_SERIES_MAX = 3_000
OTHER = "other"

_lock = threading.Lock()
_counters: Counter[tuple[str, ...]] = Counter()


def count(*name: str, by: int = 1) -> None:
    with _lock:
        _counters[_bounded(name)] += by


def observe(name: str, *labels: str, seconds: float) -> None:
    """Count one duration into its bucket of the histogram."""
    bounds = BUCKETS[name]
    at = bisect_left(bounds, seconds)
    bucket = str(bounds[at]) if at < len(bounds) else "inf"
    with _lock:
        _counters[_bounded((name, *labels, bucket))] += 1
        _counters[_bounded((name, *labels, SUM))] += round(seconds * 1_000_000)


def observe_call(provider: str, operation: str, outcome: str, seconds: float) -> None:
    count(CALLS, provider, operation, outcome)
    observe(CALL_SECONDS, provider, operation, seconds=seconds)


def value(*name: str) -> int:
    with _lock:
        return _counters[name]


def published() -> Counter[tuple[str, ...]]:
    """Return what this process has counted so far of all that is published."""
    with _lock:
        return Counter({name: number for name, number in _counters.items() if name[0] in PUBLISHED})


def _bounded(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name itself. Of one that is new, labels that are no names of ours are "other"; all are if there is no room."""
    if name in _counters:
        return name
    first, *labels = name
    last = [labels.pop()] if first in BUCKETS else []
    if len(_counters) >= _SERIES_MAX:
        return (first, *(OTHER for _ in labels), *last)
    return (first, *(label if _NAME.fullmatch(label) else OTHER for label in labels), *last)
