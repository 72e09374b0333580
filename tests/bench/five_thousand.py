"""5,000 blogs of 200 sites, posted at once through the API, until the last is DONE: `make bench NAME=five_thousand`.

The whole product in processes of its own, against the strict sandbox with workload *short*: gunicorn, workers of 50 threads, and
posters. Time runs `scale` times faster than in production, latencies and limits alike; so many times that this machine's CPUs
are busy for less than 70 % of it. A smaller run beforehand tells what a blog costs; where that is more than 5,000 of them may in
ten minutes, the scale is what ends in time, and `cpu_share` says so.

- `ratio_reserved`: from the first POST to the last DONE, over the time that the limit itself takes for the tokens that the
  sandbox charged up front, at its scaled limits. `ratio_used`: the same by the tokens that were used in the end.
- `rejected`: calls over any provider's limit, by the sandbox's count. `drafts`: at Wix, one for each blog; `ledger_ok`: with one
  capture each. `not_smooth`: how often a blog was put off, tried again or rescued.
- `blogs_per_hour_unscaled`: what it means at 450 requests and 450,000 tokens a minute.
- `cpu_ms_per_blog`: of each part.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from config.processes import Processes

_BLOGS, _SITES, _WORKERS = 5_000, 200, 3
_FIRST_BLOGS, _FIRST_SITES, _FIRST_SCALE = 300, 40, 8.0
# Less than 70 %, with something for what the smaller run did not see.
_CPU_SHARE = 0.62
# `python -m tests.bench` ends everything a little later; a run begins and ends with some seconds of its own.
_LONGEST_SECONDS, _AROUND_SECONDS = 570, 45


def measure() -> dict[str, Any]:
    ends_at = time.monotonic() + _LONGEST_SECONDS
    first = _run(_FIRST_BLOGS, _FIRST_SITES, _FIRST_SCALE, ends_at)
    print(first, flush=True)
    left = ends_at - time.monotonic() - _AROUND_SECONDS
    return _run(_BLOGS, _SITES, _scale(first, left), ends_at)


def _scale(first: dict[str, Any], seconds: float) -> float:
    """By what a blog took of the CPUs and of the limit."""
    cpu_seconds = first["cpu_share"] * psutil.cpu_count() * first["seconds"] / _FIRST_BLOGS
    limit_seconds = first["limit_seconds"] * first["scale"] / _FIRST_BLOGS
    as_cpu_allows = _CPU_SHARE * psutil.cpu_count() / cpu_seconds * limit_seconds
    in_time = _BLOGS * limit_seconds * 1.1 / seconds
    return round(max(as_cpu_allows, in_time), 1)


def _run(blogs: int, sites: int, scale: float, ends_at: float) -> dict[str, Any]:
    # Django is set up for one database a process, and `tests.world` starts its own; which it stops if we must end early.
    with tempfile.TemporaryDirectory() as folder, Processes(os.environ, grace=20) as processes:
        output = Path(folder) / "figures"
        arguments = [f"--blogs={blogs}", f"--sites={sites}", f"--workers={_WORKERS}", f"--scale={scale}"]
        run = processes.start("run", "-m", "tests.bench.five_thousand_run", *arguments, f"--output={output}")
        assert run.wait(ends_at - time.monotonic()) == 0, "the run failed; its last words are above"
        found: dict[str, Any] = json.loads(output.read_text())
    return found
