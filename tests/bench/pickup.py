"""How soon an idle worker starts a single blog: 200 submits, one after the other, beside Procrastinate in the same run.

From the moment before `submitting.submit` is called to the first line of the blog's first stage, by the machine's one clock; for
Procrastinate from before `defer` to the first line of the task. Ours has held credits, written the history and claimed by turn
meanwhile. `database_p50_ms` is the part from the submit's transaction to the claim. `polling_*`: without LISTEN, where a worker
finds work by looking (`poll_interval_s`). Rounds of both alternate; percentiles are of all of them.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from blogs.queue import submitting
from blogs.queue.request import BlogRequest
from tests.bench import crowd, filling, procrastinate
from tests.bench.worker import STAMP
from wix.models import Site
from workers.database.connections import release_connection

_ROUNDS, _SUBMITS = 4, 50
_POLL_SECONDS, _POLLED = 2.0, 60


def measure() -> dict[str, Any]:
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(_ROUNDS):
        ours += _pickups(_SUBMITS, breath=0.05)
        theirs += procrastinate.pickup(_SUBMITS)
        print(f"round {number + 1}: ours {_p50(ours):.1f} ms, Procrastinate {_p50(theirs):.1f} ms", flush=True)
    # Nothing listens at port 1.
    polled = _pickups(_POLLED, breath=1.0, more=[f"--poll={_POLL_SECONDS}"], DATABASE_DIRECT_URL=_NOWHERE)
    return {
        "p50_ms": round(_p50(ours), 2),
        "p99_ms": round(_p99(ours), 2),
        "procrastinate_p50_ms": round(_p50(theirs), 2),
        "procrastinate_p99_ms": round(_p99(theirs), 2),
        "polling_p99_ms": round(_p99(polled)),
        "poll_interval_s": _POLL_SECONDS,
        "database_p50_ms": round(crowd.query(_IN_DATABASE)[0], 2),
    }


def _pickups(count: int, *, breath: float, more: Sequence[str] = (), **environment: Any) -> list[float]:
    """Seconds each. Submits are about `breath` apart, so that the one before is over."""
    site = Site.objects.get(pk=filling.add_sites(1)[0])
    with crowd.processes() as running:
        crowd.start_workers(running, 1, stages=1, more=["--stamp", *more], **environment)
        for _ in range(count):
            time.sleep(random.uniform(0.4, 1.6) * breath)
            _submit(site)
        crowd.wait_until(lambda: len(_stamps()) == count, running, seconds=30)
        return _stamps()


def _submit(site: Site) -> None:
    asked_at = repr(time.time())
    submitting.submit(site=site, request=BlogRequest("keyword", asked_at, "en", "friendly", "short", publish=False))
    # As a web process does after each request.
    release_connection()


def _stamps() -> list[float]:
    *lines, _ = crowd.LOG.read_text().split("\n")
    return [float(line.split()[1]) for line in lines if line.startswith(STAMP)]


def _p50(seconds: list[float]) -> float:
    return 1000 * statistics.median(seconds)


def _p99(seconds: list[float]) -> float:
    return 1000 * statistics.quantiles(seconds, n=100)[98]


_NOWHERE = "postgres://postgres@127.0.0.1:1/blogs"
_IN_DATABASE = """
SELECT 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at))
  FROM (SELECT started_at, created_at FROM blog_generations ORDER BY id LIMIT 200) AS listened_for
"""
