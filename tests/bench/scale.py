"""What more replicas give: blogs that wait for two seconds in all, 1, 2 and 4 workers of 50 threads on one machine.

Rates between the 10th and the 90th percentile of the ends, as in `latency_bound`; each replica has work for the same time.
"""

from __future__ import annotations

from typing import Any

from tests.bench.latency_bound import blogs_per_second

# "Stages of 2 s": what a blog waits in each of its seven.
_WAIT = 14.0
_SECONDS = 70


def measure() -> dict[str, Any]:
    rates = {}
    for workers in (1, 2, 4):
        rates[workers] = blogs_per_second(workers, blogs=round(workers * 50 / _WAIT * _SECONDS), wait=_WAIT)
        print(f"{workers} workers: {rates[workers]:.2f} blogs a second", flush=True)
    return {
        "speedup": {str(workers): round(rates[workers] / rates[1], 3) for workers in (2, 4)},
        "blogs_per_s": {str(workers): round(rate, 2) for workers, rate in rates.items()},
        "wait_s": _WAIT,
    }
