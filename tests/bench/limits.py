"""How much of a provider's limit several processes use together, and how often they ask too much: `make bench NAME=limits`.

Against the strict sandbox, requests binding and tokens binding, counted by a sliding minute and by a small bucket, 1 and 4
processes: four runs at four times the real limits beside each other, twice; beside them, at exactly 450 and 450,000 a minute, one
of each binding for five minutes. Then `disturbed`, which see.

- `used_share`: what the sandbox charged in the steady part (after the first 20 s), of what its limit allows in that time; tokens as
  charged up front. `reserved_share`: the same by the limiter's count, where a prompt's tokens are an estimate on the safe side.
- `rejected`: the sandbox's 429s, in the whole run.
- `cpu_share`: of the whole machine, the highest of the parts of the bench.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from django.db import connection, models

from config.processes import Processes
from tests.bench import disturbed
from tests.bench.crowd import LOG
from tests.bench.limits_run import Run, Started
from workers.models import RateLimitUsage

_SCALE = 4
_RAMP_SECONDS, _SECONDS, _LONG_SECONDS = 20.0, 100.0, 300.0
_LONG = [Run(binding, "sliding", 4, 1, _LONG_SECONDS) for binding in ("requests", "tokens")]
_BATCHES = [
    [Run(binding, policy, processes, _SCALE, _SECONDS) for policy in ("sliding", "bucket") for processes in (1, 4)]
    for binding in ("requests", "tokens")
]


def measure() -> dict[str, Any]:
    LOG.parent.mkdir(exist_ok=True)
    cpu_shares: list[float] = []
    with ThreadPoolExecutor(1) as beside:
        long = beside.submit(_together, _LONG)
        runs = [figures for batch in _BATCHES for figures in _cpu_noted(cpu_shares, _together, batch)]
        found = _cpu_noted(cpu_shares, disturbed.measure)
        runs += long.result()
    return {"runs": runs, "disturbed": found, "scale": _SCALE, "cpu_share": max(cpu_shares)}


def _cpu_noted(shares: list[float], work: Callable[..., Any], *arguments: Any) -> Any:
    psutil.cpu_percent()
    result = work(*arguments)
    shares.append(round(psutil.cpu_percent() / 100, 3))
    return result


def _together(batch: list[Run]) -> list[dict[str, Any]]:
    log = LOG.with_name(f"bench-limits-{batch[0].name}.log")
    with (
        Processes({**os.environ, "LOG_LEVEL": "WARNING"}, log=log, grace=3) as processes,
        ThreadPoolExecutor(len(batch)) as watching,
    ):
        started = list(watching.map(lambda run: Started(run, processes), batch))
        found = list(watching.map(_figures, started))
    for figures in found:
        print(figures, flush=True)
    return found


def _figures(started: Started) -> dict[str, Any]:
    """Waits for the run's end."""
    run = started.run
    _wait_until(started.began + _RAMP_SECONDS)
    charged, reserved, at = started.charged(), _reserved(run), time.monotonic()
    _wait_until(started.began + run.seconds)
    charged, reserved, took = started.charged() - charged, _reserved(run) - reserved, time.monotonic() - at
    stats = started.stats()
    return {
        **started.about(),
        "seconds": round(run.seconds),
        "used_share": round(charged / (run.per_second * took), 4),
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


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
