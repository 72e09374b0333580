"""A day of 2,000 shops in some minutes: what 1, 2, 5, 10 and 20 replicas of 50 seats give.

No clock can be pressed so hard (5,000 blogs take the real limits more than an hour), so the clock is simulated, and everything
that decides is real: the queue's, the ledger's and the limiter's own SQL in a PostgreSQL that believes the simulated time
(`day_clock`), asked by replicas without threads (`day_simulation`), for requests and latencies from a seed (`day_traffic`).
Each number of replicas gets the same day, a database and a process of its own, two at a time. No more blogs are on seats at
once than keep the limits busy: `workers.pool.pace` says so for all replicas together, where real ones measure each for itself.
Calls reserve the configured output maxima, as before there are answers to learn from.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from config.processes import Processes

_AT_ONCE = 2
# Seconds that all runs together may take; `python -m tests.bench` ends everything a little later.
_LONGEST_SECONDS = 580


class Run(NamedTuple):
    replicas: int

    @property
    def name(self) -> str:
        return f"day_{self.replicas}"


# The longest first, so that the two lanes end together.
_RUNS = (Run(20), Run(10), Run(5), Run(2), Run(1))


def measure() -> dict[str, Any]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Processes(os.environ, grace=3) as processes:
        results = _run_all(processes, Path(folder))
    runs = [results[run] for run in sorted(results)]
    if runs:
        _print(runs)
    unfinished = [run.name for run in _RUNS if run not in results]
    assert not unfinished, f"not simulated within {_LONGEST_SECONDS} s: {unfinished}"
    wrong = [run for run in runs if not _is_right(run)]
    assert not wrong, wrong
    return {"runs": runs, "took_s": round(time.monotonic() - began)}


def _is_right(run: dict[str, Any]) -> bool:
    return (
        bool(run["ledger_ok"]) and run["not_final"] == 0 and run["windows_over_limit"] == run["limiter_surprises"] == 0
    )


def _run_all(processes: Processes, folder: Path) -> dict[Run, dict[str, Any]]:
    """Those that have ended before the time is up."""
    waiting = list(_RUNS)
    running: dict[Run, subprocess.Popen[bytes]] = {}
    results: dict[Run, dict[str, Any]] = {}
    gives_up_at = time.monotonic() + _LONGEST_SECONDS
    while (waiting or running) and time.monotonic() < gives_up_at:
        while waiting and len(running) < _AT_ONCE:
            run = waiting.pop(0)
            running[run] = _start(processes, run, folder)
        for run in [run for run, process in running.items() if process.poll() is not None]:
            assert running.pop(run).returncode == 0, f"{run.name} failed; see above"
            results[run] = json.loads((folder / run.name).read_text())
            print(f"{run.name}: simulated in {results[run]['took_s']} s", flush=True)
        time.sleep(0.2)
    return results


def _start(processes: Processes, run: Run, folder: Path) -> subprocess.Popen[bytes]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {run.name}")
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{run.name}").geturl()
    arguments = [f"--replicas={run.replicas}", f"--output={folder / run.name}"]
    # Blogs that fail belong to the day; their warnings would hide the rest.
    environment = {"DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "LOG_LEVEL": "ERROR"}
    return processes.start(run.name, "-m", "tests.bench.day_run", *arguments, **environment)


# --- For people -------------------------------------------------------------------------------------------------------

_COLUMNS = {
    "replicas": "replicas",
    "blogs_per_hour": "blogs/h",
    "used_share": "tokens used",
    "wait_p50_s": "wait p50",
    "wait_p99_s": "p99",
    "done_p50_s": "done p50",
    "done_p99_s": "p99",
    "jain": "jain",
    "seats_waiting_share": "seats waiting",
    "deferrals": "put off",
}


def _print(runs: list[dict[str, Any]]) -> None:
    print(
        "\nWhile blogs of five shops or more wait; from submit to the first start (wait) and to the draft (done), in seconds:"
    )
    _print_table(list(_COLUMNS.values()), [[run[key] for key in _COLUMNS] for run in runs])
    print(
        "\nThe burst of 20 shops, by how many blogs a shop wants in the day (small 1-5, medium to 50, large to 500, whale more):"
    )
    rows = [[_name(run), *_cells(run["classes"])] for run in runs]
    classes = runs[0]["classes"]
    _print_table(["replicas", *(f"{name} {what}" for name in classes for what in ("wait p99", "done p99"))], rows)
    print("\nThe burst of one shop, which its own limit at Wix paces:")
    _print_table(["replicas", "blogs/h", "done p99"], [[_name(run), *_of_one(run["one_shop"])] for run in runs])


def _name(run: dict[str, Any]) -> str:
    return str(run["replicas"])


def _cells(classes: dict[str, dict[str, float]]) -> list[float]:
    return [waits[key] for waits in classes.values() for key in ("wait_p99_s", "done_p99_s")]


def _of_one(one: dict[str, float]) -> list[float]:
    return [one["blogs_per_hour"], one["done_p99_s"]]


def _print_table(heads: list[str], rows: list[list[Any]]) -> None:
    for row in [heads, *rows]:
        print("  ".join(f"{'-' if cell is None else cell:>{len(head)}}" for head, cell in zip(heads, row, strict=True)))
