"""How much of a provider's limit several processes use together, and how often they ask too much: `make bench NAME=limits`.

Against the strict sandbox, requests binding and tokens binding, counted by a sliding minute and by a small bucket, 1 and 4
processes: four runs beside each other, at twice the real limits; beside them, at exactly 450
and 450,000 a minute, one of each binding for five minutes. Then `disturbed`, which see.

- `used_share`: what the sandbox charged in the steady part (after the first 30 s), of what its limit allows in that time; tokens as
  charged up front. `reserved_share`: the same by the limiter's count, where a prompt's tokens are an estimate on the safe side.
- `rejected`: the sandbox's 429s, in the whole run.
- `cpu_share`: of the whole machine, the highest of the parts of the bench.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from django.db import connection, models

from tests.bench import disturbed
from tests.bench.crowd import LOG
from tests.bench.limits_run import Run, Started, running, sleep_until
from workers.models import RateLimitUsage

# What a busy machine is late by does not shrink with the scale.
_SCALES = {"requests": 2, "tokens": 2}
_RAMP_SECONDS, _SECONDS, _LONG_SECONDS = 30.0, 100.0, 300.0
_LONG = [Run(binding, "sliding", 4, 1, _LONG_SECONDS) for binding in ("requests", "tokens")]
_BATCHES = [
    [Run(binding, policy, processes, scale, _SECONDS) for policy in ("sliding", "bucket") for processes in (1, 4)]
    for binding, scale in _SCALES.items()
]


def measure() -> dict[str, Any]:
    cpu_shares: list[float] = []
    with running(_LONG, _log("long"), os.environ) as long, ThreadPoolExecutor(len(long)) as watching:
        long_runs = watching.map(_figures, long)
        runs = [figures for batch in _BATCHES for figures in _cpu_noted(cpu_shares, _together, batch)]
        found = _cpu_noted(cpu_shares, disturbed.measure)
        runs += _printed(long_runs)
    return {"runs": runs, "disturbed": found, "scale": _SCALES, "cpu_share": max(cpu_shares)}


def _cpu_noted(shares: list[float], work: Callable[..., Any], *arguments: Any) -> Any:
    psutil.cpu_percent()
    result = work(*arguments)
    shares.append(round(psutil.cpu_percent() / 100, 3))
    return result


def _together(batch: list[Run]) -> list[dict[str, Any]]:
    with running(batch, _log(batch[0].name), os.environ) as started, ThreadPoolExecutor(len(batch)) as watching:
        return _printed(watching.map(_figures, started))


def _printed(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found = list(runs)
    for figures in found:
        print(figures, flush=True)
    return found


def _log(name: str) -> Path:
    return LOG.with_name(f"bench-limits-{name}.log")


def _figures(started: Started) -> dict[str, Any]:
    """Waits for the run's end."""
    run = started.run
    sleep_until(started.began + _RAMP_SECONDS)
    used, reserved, at = started.used, _reserved(run), time.monotonic()
    sleep_until(started.began + run.seconds)
    used, reserved, took = started.used - used, _reserved(run) - reserved, time.monotonic() - at
    stats = started.stats()
    return {
        **started.about(),
        "seconds": round(run.seconds),
        "used_share": round(used / (run.per_second * took), 4),
        "reserved_share": round(reserved / (run.per_second * took), 4),
        "most_in_a_minute": stats["maxInWindow"][run.binding],
        "rejected": stats["rejected"],
    }


def _reserved(run: Run) -> int:
    """By the limiter's count."""
    try:
        usage = RateLimitUsage.objects.filter(limit__model=run.name)
        return int(usage.aggregate(sum=models.Sum(run.binding))["sum"] or 0)
    finally:
        connection.close()  # each run is watched by a thread of its own
