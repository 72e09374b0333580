"""The peer: Procrastinate in a virtual environment of its own (it needs psycopg 3, which must not be importable in ours).

It uses a database of its own in the same server. Its worker runs with the concurrency of our threads, and tasks that do nothing.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
from django.conf import settings
from psycopg2 import extensions

from tests.bench import crowd, venv

_PEER = Path(__file__).parent / "peer"
_DATABASE = "procrastinate"


def engine(workers: int, jobs: int) -> dict[str, float]:
    """Rate, CPU and transactions of `jobs` jobs that do nothing; as `tests.bench.engine` measures ours."""
    with _database() as peer:
        _run("defer", str(jobs))
        _query(peer, "VACUUM ANALYZE")
        with _workers(workers) as crew:
            before = _transactions(peer), crowd.usage([]).postgres_cpu
            _wait(lambda: _query(peer, _BEGUN)[0] > 0)
            at_start = sum(sum(process.cpu_times()[:2]) for process in crew)
            _wait(lambda: _query(peer, _DONE)[0] == jobs)
            used = crowd.usage(crew)
        seconds = _query(peer, _SECONDS)[0]
        worker_cpu, postgres_cpu = used.worker_cpu - at_start, used.postgres_cpu - before[1]
        run = {
            "per_s": round(jobs / seconds, 1),
            "worker_cpu_ms": round(1000 * worker_cpu / jobs, 2),
            "cpu_ms": round(1000 * (worker_cpu + postgres_cpu) / jobs, 2),
            "transactions": round((_transactions(peer) - before[0]) / jobs, 2),
        }
    print(f"Procrastinate, {workers} workers: {run}", flush=True)
    return run


def pickup(count: int) -> list[float]:
    """Seconds from asking for a job to its first line of code, on an idle system, `count` times."""
    with _database() as peer, _workers(1) as crew:
        _wait(lambda: _query(peer, "SELECT count(*) FROM procrastinate_workers")[0] == 1)
        _run("singles", str(count))
        return [float(json.loads(crew[0].stdout.readline())) for _ in range(count)]


@contextmanager
def _database() -> Iterator[extensions.connection]:
    """A new database with its schema."""
    own = psycopg2.connect(settings.DATABASE_DIRECT_URL)
    own.autocommit = True
    own.cursor().execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    own.cursor().execute(f"CREATE DATABASE {_DATABASE}")
    own.close()
    _python("-m", "procrastinate", "--app=tasks.app", "schema", "--apply")
    peer = psycopg2.connect(_url())
    peer.autocommit = True
    try:
        yield peer
    finally:
        peer.close()


@contextmanager
def _workers(count: int) -> Iterator[list[psutil.Popen]]:
    crew = [
        psutil.Popen([_interpreter(), "tasks.py", "worker"], cwd=_PEER, env=_environment(), stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    try:
        yield crew
    finally:
        for process in crew:
            process.terminate()
        for process in crew:
            process.wait()


def _wait(ready: Callable[[], bool], seconds: float = 120) -> None:
    ends_at = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > ends_at:
            raise SystemExit("Procrastinate did not come to its end.")
        time.sleep(0.1)


def _query(peer: extensions.connection, sql: str) -> tuple[float, ...]:
    with peer.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone() if cursor.description else None
        return tuple(float(value or 0) for value in row or ())


def _transactions(peer: extensions.connection) -> float:
    return _query(peer, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")[0]


def _run(*arguments: str) -> None:
    _python("tasks.py", *arguments)


def _python(*arguments: str) -> None:
    silent, command = subprocess.DEVNULL, [_interpreter(), *arguments]
    subprocess.run(command, cwd=_PEER, env=_environment(), check=True, stdout=silent, stderr=silent)


def _environment() -> dict[str, str]:
    return {**os.environ, "PEER_DATABASE_URL": _url(), "PYTHONPATH": str(_PEER)}


def _url() -> str:
    return f"{settings.DATABASE_DIRECT_URL.rpartition('/')[0]}/{_DATABASE}"


@functools.cache
def _interpreter() -> str:
    return venv.interpreter("procrastinate", _PEER / "requirements.txt")


_BEGUN = "SELECT count(*) FROM (SELECT 1 FROM procrastinate_events WHERE type = 'started' LIMIT 1) s"
_DONE = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
_SECONDS = """
SELECT extract(epoch FROM max(at) FILTER (WHERE type = 'succeeded') - min(at) FILTER (WHERE type = 'started'))
  FROM procrastinate_events
"""
