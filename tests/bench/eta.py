"""How honest the API's estimates are: `make bench NAME=eta`.

- 300 blogs of 30 sites in five scenes through the whole product and the sandbox (`eta_scenes`): cold, warm, with a whale, with a
  paused line, with an outage of OpenAI. Time runs four times faster than in production, latencies and limits alike.
- The simulated day of 2,000 shops (`eta_day`), with a part of its traffic.

Of starts and of ends: `inside` is the share within the range that the first answer named, and is to be 0.8; `before` and `behind`
are the rest; `width` is the median of the range over the true wait, and is to be at most 0.6. Blogs to which no time was named (of
the paused line; asked for in the outage) are not `promised`. Those that were asked for before the outage cannot know of it, and are
counted by themselves (`before_it`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.processes import Processes

# `python -m tests.bench` ends everything a little later.
_LONGEST_SECONDS = 585
_DAY_SCALE = 0.1


def measure() -> dict[str, Any]:
    ends_at = time.monotonic() + _LONGEST_SECONDS
    with tempfile.TemporaryDirectory() as folder, Processes(os.environ, grace=20) as processes:
        scenes, day = Path(folder) / "scenes", Path(folder) / "day"
        running = processes.start(
            "day", "-m", "tests.bench.eta_day", f"--scale={_DAY_SCALE}", f"--output={day}", **_empty_database()
        )
        assert running.wait(ends_at - time.monotonic()) == 0, "the day failed; its last words are above"
        print(f"day: {day.read_text()}", file=sys.stderr, flush=True)
        running = processes.start("scenes", "-m", "tests.bench.eta_scenes", f"--output={scenes}")
        assert running.wait(ends_at - time.monotonic()) == 0, "the scenes failed; their last words are above"
        _keep(scenes.with_suffix(".promises"))
        return {**json.loads(scenes.read_text()), "day": json.loads(day.read_text())}


def _keep(promises: Path) -> None:
    """Keep each early, late and truth in `.local`, for a person who tunes the ranges."""
    shutil.copy(promises, Path(".local") / "eta.promises")


def _empty_database() -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE eta_day")
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/eta_day").geturl()
    # Blogs that fail belong to the day; their warnings would hide the rest.
    return {"DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "LOG_LEVEL": "ERROR"}
