"""Worker processes of a benchmark: started together, watched, and what they and PostgreSQL used of the CPU meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from config.processes import Processes

LOG = Path(__file__).resolve().parent.parent.parent / ".local" / "bench.log"


@contextmanager
def processes() -> Iterator[Processes]:
    LOG.parent.mkdir(exist_ok=True)
    # What a worker logs by default is a part of what it costs.
    # Stages that only wait use no limit, so nothing but seats is to hold them back.
    with Processes({**os.environ, "LOG_LEVEL": "INFO", "WORKS_IN_FLIGHT_HEADROOM": "0"}, log=LOG, grace=10) as running:
        yield running


def start_workers(
    running: Processes, count: int, *, stages: int, wait: float = 0, more: Sequence[str] = (), **environment: str
) -> list[psutil.Process]:
    arguments = ["-m", "tests.bench.worker", f"--stages={stages}", f"--wait={wait}", *more]
    started = [running.start(f"worker-{number}", *arguments, **environment) for number in range(count)]
    wait_until(lambda: query("SELECT count(*) FROM workers_workerprocess")[0] == count, running)
    return [psutil.Process(process.pid) for process in started]


def wait_until(ready: Callable[[], bool], running: Processes, *, seconds: float = 300) -> None:
    """Looks ten times a second, so that looking costs the measured processes nothing."""
    running.wait_for(ready, seconds=seconds, what="the end of the run")


def query(sql: str, *parameters: Any) -> tuple[float, ...]:
    """One row, as floats."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(float(value or 0) for value in cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of the workers and of PostgreSQL, and committed transactions, up to now."""

    worker_cpu: float
    postgres_cpu: float
    transactions: float

    def __sub__(self, before: Usage) -> Usage:
        return Usage(
            self.worker_cpu - before.worker_cpu,
            self.postgres_cpu - before.postgres_cpu,
            self.transactions - before.transactions,
        )


def usage(workers: list[psutil.Process]) -> Usage:
    # Counters of a backend are flushed at most once a second, while it is idle.
    time.sleep(1.1)
    return Usage(
        sum(sum(worker.cpu_times()[:2]) for worker in workers),
        _postgres_cpu(),
        query("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")[0],
    )


def _postgres_cpu() -> float:
    """Of the postmaster, its children, and those that have ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = psutil.Process(cursor.fetchone()[0]).parent()
    assert postmaster is not None
    living: float = sum(sum(child.cpu_times()[:2]) for child in postmaster.children())
    ended: float = sum(postmaster.cpu_times()[:4])
    return living + ended
