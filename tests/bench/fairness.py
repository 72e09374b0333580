"""One site with 5,000 blogs, and 50 with 10 each that arrive meanwhile: how long they wait, and what everybody gets.

Real workers of 50 threads, first one, then three, with stages that wait five seconds a blog, so that seats bind and not two cores;
give or take 30 %, as an article does. With exactly five seconds all seats are free in the same moment, again and
again, and it is the cores that bind: 1.8 % of the seats of three workers were idle.
The large site has every seat when the others come. A run ends when the small sites are done and the large one is alone again.

- `small_first_start_s_max`: from a small site's arrival to its first start, the longest; bound 1.5 x `blog_time_p95_s`.
- `jain`: Jain's index of the sites' starts while all of them wait: from the last site's arrival until one has nothing left.
- `idle_seat_share`: seats without a blog while blogs were ready, over all seats, from a second after the last worker's first start
  to the end; from the rows' own times.
- `cases`: see `fairness_cases`; the worst lag in starts of each.

At the top level stands the worse of the two runs.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from django.db import connection

from blogs.models import BlogGeneration
from config.processes import Processes
from tests.bench.fairness_cases import CASES, Amounts, arrive, worst_lag
from tests.bench.filling import add_blogs, add_sites, analyze
from workers.database import wakeup

_THREADS = 50
_SECONDS_A_BLOG, _VARIATION = 5.0, 0.3
_OF_LARGE, _SMALL_SITES, _OF_SMALL = 5_000, 50, 10
_ALONE_SECONDS = 12.0


def measure() -> dict[str, object]:
    runs = {str(workers): _run(workers) for workers in (1, 3)}
    cases = {}
    for name, case in CASES.items():
        began = time.monotonic()
        _empty()
        cases[name] = worst_lag(case, Amounts())
        print(f"{name}: {cases[name]} ({time.monotonic() - began:.0f} s)", flush=True)
    worst = {key: max(run[key] for run in runs.values()) for key in runs["1"]}
    return {**worst, "jain": min(run["jain"] for run in runs.values()), "cases": cases, "workers": runs}


def _run(workers: int) -> dict[str, float]:
    _empty()
    large, *small = add_sites(1 + _SMALL_SITES)
    add_blogs(_OF_LARGE, [large])
    analyze()
    log = Path(tempfile.gettempdir()) / f"bench-fairness-{os.getpid()}.log"
    with Processes({**os.environ, "WORKS_IN_FLIGHT_HEADROOM": "0"}, log=log) as processes:
        for number in range(workers):
            waits = f"--wait={_SECONDS_A_BLOG}", f"--variation={_VARIATION}"
            command = ["-m", "tests.bench.worker", "--stages=1", *waits, f"--threads={_THREADS}"]
            processes.start(f"worker-{number}", *command)
        processes.wait_for(lambda: _working() == workers, seconds=60, what="a worker")
        full_at = _clock() + 1
        time.sleep(_ALONE_SECONDS)  # the large site has every seat
        _arrive(small)
        processes.wait_for(lambda: _done(small) == _SMALL_SITES * _OF_SMALL, seconds=180, what="the small sites' end")
        ended_at = _clock()
    log.unlink()
    figures = _figures(small, full_at, ended_at, seats=workers * _THREADS)
    print(f"{workers} workers: {figures}", flush=True)
    return figures


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE wix_site CASCADE")
        cursor.execute("DELETE FROM workers_workerprocess")
        cursor.execute("UPDATE blogs_queueclock SET turn = 0, lowest = 0, next_lowest = 0")


def _working() -> int:
    return BlogGeneration.objects.filter(status="PROCESSING").values("worker").distinct().count()


def _done(sites: list[int]) -> int:
    return BlogGeneration.objects.filter(site__in=sites, status="DONE").count()


def _arrive(small: list[int]) -> None:
    """All within a moment: one after the other, the first would be done before the last has come, and none would wait with all."""
    arrive(_SMALL_SITES * _OF_SMALL, small)
    wakeup.notify()


def _clock() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
        return float(cursor.fetchone()[0])


_Times = list[tuple[int, float, float | None, float | None]]


def _figures(small: list[int], full_at: float, ended_at: float, *, seats: int) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT site_id, extract(epoch FROM created_at)::float, extract(epoch FROM started_at)::float,"
            " extract(epoch FROM finished_at)::float FROM blog_generations"
        )
        times: _Times = cursor.fetchall()
    took = sorted(finished - started for _, _, started, finished in times if started and finished)
    return {
        "jain": round(_jain(times), 4),
        "small_first_start_s_max": round(max(_first_start(times, site) for site in small), 2),
        "blog_time_p95_s": round(took[int(len(took) * 0.95)], 2),
        "idle_seat_share": round(_idle_share(times, full_at, ended_at, seats), 4),
    }


def _first_start(times: _Times, site: int) -> float:
    own = [(created, started) for owner, created, started, _ in times if owner == site and started]
    return min(started for _, started in own) - min(created for created, _ in own)


def _jain(times: _Times) -> float:
    """1: all alike; 1/n: one site has all."""
    last_starts: dict[int, float] = {}
    arrivals: dict[int, float] = {}
    for site, created, started, _ in times:
        last_starts[site] = max(last_starts.get(site, 0.0), started or float("inf"))
        arrivals[site] = min(arrivals.get(site, created), created)
    all_wait, first_has_none = max(arrivals.values()), min(last_starts.values())
    starts = Counter(site for site, _, started, _ in times if started and all_wait <= started < first_has_none)
    rates = [starts[site] for site in arrivals]
    return sum(rates) ** 2 / (len(rates) * sum(rate**2 for rate in rates))


def _idle_share(times: _Times, begin: float, end: float, seats: int) -> float:
    changes: list[tuple[float, int, int]] = []  # when, seats taken, blogs ready
    for _, created, started, finished in times:
        changes.append((created, 0, 1))
        if started:
            changes.append((started, 1, -1))
        if finished:
            changes.append((finished, -1, 0))
    idle, taken, ready, since = 0.0, 0, 0, begin
    for at, seat, blog in [*sorted(changes), (end, 0, 0)]:
        if begin < at <= end:
            idle += min(max(seats - taken, 0), max(ready, 0)) * (at - since)
            since = at
        taken, ready = taken + seat, ready + blog
    return idle / (seats * (end - begin))
