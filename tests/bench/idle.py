"""What one worker costs that has nothing to do: the real command by default settings, watched for a minute.

It runs on the packages of `requirements.txt`, as in production: the development tools beside them would add a tenth of memory,
since libraries import what they find (`packages` says how many there are). Queries are counted in PostgreSQL's own log
(`log_statement`), each of a worker's statements one; so BEGIN and COMMIT count too. `statements_a_minute` says which they are.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

from tests.bench import crowd, venv

_SECONDS = 60
_ROOT = Path(__file__).resolve().parent.parent.parent


def measure() -> dict[str, Any]:
    locked = _ROOT / "requirements.txt"
    log, interpreter = _log_statements(), venv.interpreter("production", locked)
    with crowd.processes() as running:
        process = running.start("worker", "manage.py", "run_blog_worker", interpreter=interpreter)
        worker = psutil.Process(process.pid)
        crowd.wait_until(lambda: crowd.query("SELECT count(*) FROM workers_workerprocess")[0] == 1, running)
        # Settled: its first claim, its first heartbeat and its first look at everything are over.
        time.sleep(settings.BLOG_WORKER_POLL_SECONDS + 1)
        before, cpu = _statements(log), sum(worker.cpu_times()[:2])
        connections = [_connections() for _ in _ticks(_SECONDS)]
        queries, cpu = _statements(log) - before, sum(worker.cpu_times()[:2]) - cpu
        return {
            "queries_per_s": round(queries / _SECONDS, 2),
            "cpu_share": round(cpu / _SECONDS, 4),
            "connections": max(connections),
            "rss_mb": round(worker.memory_info().rss / 2**20, 1),
            "packages": f"{locked.name}: {locked.read_text().count('==')}",
            "statements_a_minute": _by_text(log, before),
        }


def _ticks(seconds: int) -> Any:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        yield
        time.sleep(0.5)


def _log_statements() -> Path:
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET log_statement = 'all'")
        cursor.execute("ALTER SYSTEM SET log_line_prefix = '%a '")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("SHOW data_directory")
        return Path(cursor.fetchone()[0]).parent / "log"


def _statements(log: Path) -> int:
    return sum(map(_is_ours, log.open(errors="replace")))


def _by_text(log: Path, since: int) -> dict[str, int]:
    """How often each statement ran, by its first words, the most frequent first: where the chores spend what they spend."""
    lines = [line for line in log.open(errors="replace") if _is_ours(line)][since:]
    texts = Counter(" ".join(line.partition("statement:")[2].split()[:6]) for line in lines)
    return dict(texts.most_common(12))


def _is_ours(line: str) -> bool:
    return line.startswith("blogs-worker") and " LOG:  statement:" in line


def _connections() -> int:
    """Of the worker, with the one that listens."""
    return int(crowd.query("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'blogs-worker%%'")[0])
