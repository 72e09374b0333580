"""What a reservation costs: alone on its limit, and with eight processes on one limit, whose row is a lock.

The limit is so high that every call gets a place at once. No caller waits for one, and no call is made: only the question is
measured, as `limits.acquire` asks it.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from tests.bench import crews

_ALONE, _PROCESSES, _SECONDS = 2_000, 8, 5.0
_SPAWNING_SECONDS = 6.0
_ENVIRONMENT = {"OPENAI_REQUESTS_PER_MINUTE": "2000000000", "OPENAI_TOKENS_PER_MINUTE": "2000000000"}


def measure() -> dict[str, Any]:
    os.environ.update(_ENVIRONMENT)
    with crews.crew(1) as crew:
        took = sorted(crew.submit(_alone).result())
    with crews.crew(_PROCESSES) as crew:
        for waking in [crew.submit(time.sleep, _SPAWNING_SECONDS) for _ in range(_PROCESSES)]:
            waking.result()
        start_at = time.time() + 0.5
        rates = [done.result() for done in [crew.submit(_together, start_at) for _ in range(_PROCESSES)]]
    return {
        "median_ms": round(1000 * statistics.median(took), 3),
        "p99_ms": round(1000 * took[int(len(took) * 0.99)], 3),
        "per_s": {"1": round(len(took) / sum(took)), str(_PROCESSES): round(sum(rates))},
    }


def _alone() -> list[float]:
    return [_reserve("alone") for _ in range(_ALONE)]


def _together(start_at: float) -> float:
    _reserve("together")  # connects, and prepares the statement
    time.sleep(max(0.0, start_at - time.time()))
    count, began = 0, time.monotonic()
    while time.monotonic() < began + _SECONDS:
        _reserve("together")
        count += 1
    return count / (time.monotonic() - began)


def _reserve(model: str) -> float:
    """The seconds it took."""
    from workers.limits import Limit, limit_rows

    began = time.perf_counter()
    ahead, granted = limit_rows.ask(Limit("openai", model=model), tokens=1)
    took = time.perf_counter() - began
    assert granted, f"no place within {ahead} s: the limit binds"
    return took
