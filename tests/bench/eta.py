"""How honest the API's estimates are: `make bench NAME=eta`.

- 300 blogs of 30 sites in five scenes through the whole product and the sandbox (`eta_scenes`): cold, warm, with a whale, with a
  paused line, with an outage of OpenAI. Time runs faster than in production, latencies and limits alike.
- The simulated day of 2,000 shops (`eta_day`), whole, in the benchmark's own database: its burst of twenty shops, the one of a
  single shop, and what is ordinary. The ranges were tuned on its seed; `eta_day --seed` makes another day.

Of starts and of ends: `inside` is the share within the range that the first answer named, and is to be 0.8; `before` and `behind`
are the rest; `width` is the median of the range over the true wait, and is to be at most 0.6. Blogs to which no time was named (of
the paused line; asked for in the outage) are not promised. Those that were asked for before the outage cannot know of it, and are
a case by themselves (`before_outage`). A start at once is nearly always kept, so that starts which were told to come later are
counted by themselves besides (`not_at_once`).

Each promise is kept in `.local/eta.promises`, for a person who tunes the ranges.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from config.processes import Processes
from tests.bench import eta_figures

# `python -m tests.bench` ends everything a little later.
_LONGEST_SECONDS = 585
_PROMISES = Path(".local") / "eta.promises"


def measure() -> dict[str, Any]:
    ends_at = time.monotonic() + _LONGEST_SECONDS
    _PROMISES.unlink(missing_ok=True)
    with Processes(os.environ, grace=20) as processes:
        for name in ("day", "scenes"):
            began = time.monotonic()
            # Blogs that fail belong to the day; their warnings would hide the rest.
            running = processes.start(name, "-m", f"tests.bench.eta_{name}", f"--output={_PROMISES}", LOG_LEVEL="ERROR")
            assert running.wait(ends_at - time.monotonic()) == 0, f"{name} failed; its last words are above"
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return eta_figures.summary(eta_figures.read(_PROMISES))
