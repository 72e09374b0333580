"""A worker is SIGKILLed with 50 blogs in flight while another has 50 free seats: how long until all 50 run again.

Settings are the defaults. The first worker has finished 50 blogs by then, and of those in flight the first stage, so that there is
something that must not run again; the second one goes on until all are DONE, which shows whether it did.
"""

from __future__ import annotations

import os
import time
from typing import Any

from django.conf import settings

from config.processes import Processes
from tests.bench import crowd, filling
from tests.bench.crowd import query

_SEATS = 50
_BLOG_SECONDS = 35.0


def measure() -> dict[str, Any]:
    filling.add_blogs(2 * _SEATS, filling.add_sites(5))
    filling.analyze()
    with crowd.processes() as running:
        _start(running, "first")
        crowd.wait_until(lambda: query(_FIRST_IS_IN_THE_MIDDLE) == (_SEATS, _SEATS, _SEATS), running)
        _start(running, "second")
        crowd.wait_until(lambda: query("SELECT count(*) FROM workers_workerprocess") == (2,), running)
        in_flight = query(_IN_FLIGHT)[0]
        running.kill("first")
        killed_at = time.monotonic()
        crowd.wait_until(lambda: query(_RUNNING_ON_THE_SECOND)[0] == in_flight, running, seconds=120)
        seconds = time.monotonic() - killed_at
        print(f"all {in_flight:.0f} running again after {seconds:.1f} s", flush=True)
        crowd.wait_until(lambda: query(_DONE)[0] == 2 * _SEATS, running)
    return {
        "all_running_again_s": round(seconds, 1),
        "in_flight": int(in_flight),
        "finished_before": int(query(_DONE)[0] - in_flight),
        "finished_run_again": int(query(_RUN_AGAIN)[0]),
        "started_once_more": int(query(_STARTED_ONCE_MORE)[0]),
        "lease_s": settings.BLOG_WORKER_LEASE_SECONDS,
    }


def _start(running: Processes, name: str) -> None:
    arguments = ["--stages=8", f"--wait={_BLOG_SECONDS}", f"--threads={_SEATS}"]
    running.start(name, "-m", "tests.bench.worker", *arguments, **os.environ)


_DONE = "SELECT count(*) FROM blog_generations WHERE status = 'DONE'"
_IN_FLIGHT = "SELECT count(*) FROM blog_generations WHERE status = 'PROCESSING'"
_FIRST_IS_IN_THE_MIDDLE = """
SELECT count(*) FILTER (WHERE status = 'DONE'), count(*) FILTER (WHERE status = 'PROCESSING'),
       count(*) FILTER (WHERE status = 'PROCESSING' AND stage <> 'products')
  FROM blog_generations
"""
_RUNNING_ON_THE_SECOND = """
SELECT count(*) FROM blog_generations
 WHERE status = 'PROCESSING' AND worker_id = (SELECT max(id) FROM workers_workerprocess) AND lease_expires_at > clock_timestamp()
"""
# A stage that was saved and ran again, or a blog that was DONE and started again.
_RUN_AGAIN = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM blogs_generationevent WHERE kind = 'checkpoint'
                               GROUP BY generation_id, stage HAVING count(*) > 1) AS twice)
     + (SELECT count(*) FROM blogs_generationevent started JOIN blogs_generationevent done USING (generation_id)
         WHERE started.kind = 'started' AND done.kind = 'done' AND started.id > done.id)
"""
_STARTED_ONCE_MORE = """
SELECT count(*) FROM (SELECT 1 FROM blogs_generationevent WHERE kind = 'started'
                       GROUP BY generation_id HAVING count(*) = 2) AS twice
"""
