"""Seats kept full: stages that only wait. What is reached of the ideal, which is seats over the time that a blog waits.

Seven stages share the wait of a blog, each with its checkpoint; what the engine itself needs comes on top. 200 ms a blog would
mean 250 blogs a second from one worker, more than two cores can do with all stages (`engine`), so that `200` says where the CPU
binds; the share at `WAIT` seconds, a fifteenth of a real blog's time, is the one to judge. It is measured between the 10th and
the 90th percentile of the ends, so that neither the first claims nor the emptying seats at the end are in it. All seats begin at
once and so go on in waves: of 5, 15 or 25 waves those percentiles enclose just eight tenths; of 8, a tenth would seem lost.
"""

from __future__ import annotations

from typing import Any

from tests.bench import crowd, filling
from tests.bench.crowd import query

WAIT = 5.0
_WAVES = 15
_THREADS = 50


def measure() -> dict[str, Any]:
    short = share_of_ideal(1, wait=0.2, seconds=8)
    shares = {str(workers): share_of_ideal(workers, wait=WAIT, seconds=_WAVES * WAIT) for workers in (1, 2)}
    return {"share_of_ideal": shares, "wait_s": WAIT, "share_of_ideal_at_200_ms": {"1": short}}


def share_of_ideal(workers: int, *, wait: float, seconds: float) -> float:
    ideal = workers * _THREADS / wait
    rate = blogs_per_second(workers, blogs=round(ideal * seconds), wait=wait)
    print(f"{workers} workers, {wait} s: {rate:.1f} of {ideal:.1f} blogs a second", flush=True)
    return round(rate / ideal, 3)


def blogs_per_second(workers: int, *, blogs: int, wait: float) -> float:
    sites = filling.add_sites(100)
    filling.add_blogs(blogs, sites)
    filling.analyze()
    with crowd.processes() as running:
        crowd.start_workers(running, workers, stages=8, wait=wait)
        crowd.wait_until(lambda: query(_ENDED, sites)[0] == blogs, running)
    return 0.8 * blogs / query(_MIDDLE, sites)[0]


_ENDED = "SELECT count(*) FROM blog_generations WHERE site_id = ANY(%s) AND status = 'DONE'"
_MIDDLE = """
SELECT extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY finished_at)
                        - percentile_disc(0.1) WITHIN GROUP (ORDER BY finished_at))
  FROM blog_generations WHERE site_id = ANY(%s)
"""
