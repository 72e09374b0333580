"""5,000 blogs of 200 sites, posted at once through the API, until the last is DONE: `make bench NAME=five_thousand`.

The whole product in processes of its own, against the strict sandbox with workload *short*: gunicorn, workers of 50 threads, and posters.
Time runs `scale` times faster than in production, latencies and limits alike; so many times that this machine's CPUs are
busy for less than 70 % of the time (`cpu_share`), which on two cores is what 5,000 blogs in ten minutes take.

- `ratio_reserved`: from the first POST to the last DONE, over the time that the limit itself takes for the tokens that the
  sandbox charged up front, at its scaled limits. `ratio_used`: the same by the tokens that were used in the end.
- `rejected`: calls over any provider's limit, by the sandbox's count. `drafts`: at Wix, one for each blog; `ledger_ok` with one capture each.
- `blogs_per_hour_unscaled`: what it means at 450 requests and 450,000 tokens a minute.
- `cpu_ms_per_blog`: of each part.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

BLOGS, SITES, WORKERS, SCALE = 5_000, 200, 3, 12.0
# `python -m tests.bench` ends everything a little later.
_LONGEST_SECONDS = 580
_PROJECT = Path(__file__).resolve().parent.parent.parent


def measure() -> dict[str, Any]:
    # Django is set up for one database a process, and `tests.world` starts its own.
    command = [sys.executable, "-m", "tests.bench.five_thousand_run", f"--blogs={BLOGS}", f"--sites={SITES}"]
    command += [f"--workers={WORKERS}", f"--scale={SCALE}"]
    finished = subprocess.run(
        command, cwd=_PROJECT, env=os.environ, stdout=subprocess.PIPE, text=True, check=True, timeout=_LONGEST_SECONDS
    )
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found
