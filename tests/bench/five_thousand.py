"""5,000 blogs of 200 sites, posted at once through the API, until the last is DONE: `make bench NAME=five_thousand`.

The whole product in processes of its own, against the strict sandbox with workload *short*: gunicorn, workers of 50 threads, and
posters. Time runs `scale` times faster than in production, latencies and limits alike: as much as lets it end in ten minutes.
`cpu_share` says how busy that kept this machine.

- `ratio_reserved`: from the first POST to the last DONE, over the time that the limit itself takes for the tokens that the
  sandbox charged up front, at its scaled limits. `ratio_used`: the same by the tokens that were used in the end.
- `rejected`: calls over any provider's limit, by the sandbox's count. `drafts`: at Wix, one for each blog; `ledger_ok`: with one
  capture each. `not_smooth`: how often a blog was put off, tried again or rescued.
- `blogs_per_hour_unscaled`: what it means at 450 requests and 450,000 tokens a minute.
- `tokens_reserved_per_blog`, `tokens_used_per_blog`; `tokens_by_call`: the same of each kind (idea, article, critic, repair).
- `cpu_ms_per_blog`: of each part.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from config.processes import Processes

_BLOGS, _SITES, _WORKERS, _SCALE = 5_000, 200, 3, 8.5
# `python -m tests.bench` ends everything a little later.
_LONGEST_SECONDS = 585


def measure() -> dict[str, Any]:
    return _run(_BLOGS, _SITES, _SCALE, time.monotonic() + _LONGEST_SECONDS)


def _run(blogs: int, sites: int, scale: float, ends_at: float) -> dict[str, Any]:
    # Django is set up for one database a process, and `tests.support.world` starts its own; which it stops if we must end early.
    with tempfile.TemporaryDirectory() as folder, Processes(os.environ, grace=20) as processes:
        output = Path(folder) / "figures"
        arguments = [f"--blogs={blogs}", f"--sites={sites}", f"--workers={_WORKERS}", f"--scale={scale}"]
        run = processes.start("run", "-m", "tests.bench.five_thousand_run", *arguments, f"--output={output}")
        assert run.wait(ends_at - time.monotonic()) == 0, "the run failed; its last words are above"
        found: dict[str, Any] = json.loads(output.read_text())
    return found
