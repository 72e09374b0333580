"""The part of `limits` in which things go wrong; alone: `make bench NAME=disturbed`.

Four processes are started at once. All along, every ten seconds, one is SIGKILLed and started again. One is stopped (SIGSTOP) for
30 s and goes on; the database they share is restarted; the provider halves the limit and later gives it back. At 450 and 450,000 a
minute and at four times that, all beside each other on a PostgreSQL of their own. At the top level stands the worst of the runs.

- `used_share`: what the sandbox charged from the first call to the end, of what the limits in force allowed in that time: their
  integral, also while processes or the database were away. A sliding minute that is halved is full of earlier calls, and
  nobody is let in until enough of them are a minute old: what the halved limit comes to until then is left out of the allowed
  (`left_out_s`, from the calls charged in the minute before), and nothing else. Whoever then asks as fast as old calls
  leave the window, and not evenly, can get more than the limit's integral there, so more than 1 is possible.
- `rejected_share`: 429s of all calls, without those of the first two seconds after the halving.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from config import embedded_postgres
from config.processes import Processes
from tests.bench.crowd import LOG
from tests.bench.limits_run import Run, Started

_SECONDS = 200.0
_RUNS = [
    Run("tokens", "bucket", 4, 1, _SECONDS),
    Run("requests", "sliding", 4, 1, _SECONDS),
    Run("tokens", "bucket", 4, 4, _SECONDS),
]
_KILL_EVERY_SECONDS = 10.0
_KILLED, _STOPPED = 0, 1
_STOP_AT, _GO_ON_AT, _RESTART_AT, _HALVE_AT, _RESTORE_AT = 25.0, 55.0, 75.0, 105.0, 165.0
# So long may it take until the first call that is refused has told all.
_LEARNING_SECONDS = 2.0
_MINUTE = 60.0
_PROJECT = Path(__file__).resolve().parent.parent.parent


def measure() -> dict[str, Any]:
    LOG.parent.mkdir(exist_ok=True)
    with embedded_postgres.spare_server("bench-disturbed", durable=True) as database:
        environment = {**os.environ, "DATABASE_URL": database.url, "DATABASE_DIRECT_URL": database.url}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=_PROJECT, env=environment, check=True)
        log = LOG.with_name("bench-disturbed.log")
        with (
            Processes({**environment, "LOG_LEVEL": "WARNING"}, log=log, grace=3) as processes,
            ThreadPoolExecutor(len(_RUNS) + 1) as threads,
        ):
            disturbed = list(threads.map(lambda run: Disturbed(Started(run, processes)), _RUNS))
            restarted = threads.submit(_restart, database, disturbed[0].started.began + _RESTART_AT)
            runs = list(threads.map(Disturbed.figures, disturbed))
            restarted.result()
            processes.check()
    for figures in runs:
        print(figures, flush=True)
    return {
        "used_share": min(run["used_share"] for run in runs),
        "rejected_share": max(run["rejected_share"] for run in runs),
        "runs": runs,
    }


def _restart(database: embedded_postgres.Server, at: float) -> None:
    _wait_until(at)
    database.stop("fast")
    database.start()


class Disturbed:
    def __init__(self, started: Started) -> None:
        self.started, self.run = started, started.run
        self._restarts = 0
        self._rejected_before = self._learning = 0  # 429s until the halving, and those that don't count
        self._left_out = 0.0
        self._minute_before = 0
        self._halved_at = self._restored_at = 0.0

    def figures(self) -> dict[str, Any]:
        """Disturbs it until the end."""
        began = self.started.began
        for at, happen in sorted(self._events(), key=lambda event: event[0]):
            _wait_until(began + at)
            happen()
        _wait_until(began + self.run.seconds)
        stats, ended_at = self.started.stats(), time.monotonic()
        halved = self._restored_at - self._halved_at
        allowed = self.run.per_second * (ended_at - began - (halved + self._left_out) / 2)
        rejected = stats["rejected"] - self._learning
        return {
            **self.started.about(),
            "used_share": round(stats["charged"][self.run.binding] / allowed, 4),
            "rejected_share": round(rejected / stats["requests"], 5),
            "calls": stats["requests"],
            "rejected": rejected,
            "rejected_before_halving": self._rejected_before,
            "rejected_while_learning": self._learning,
            "left_out_s": round(self._left_out, 1),
            "sigkills": self._restarts,
        }

    def _events(self) -> list[tuple[float, Callable[[], None]]]:
        kills = range(1, int(self.run.seconds / _KILL_EVERY_SECONDS))
        return [
            *((number * _KILL_EVERY_SECONDS, self._kill) for number in kills),
            (_STOP_AT, lambda: self.started.callers[_STOPPED].send_signal(signal.SIGSTOP)),
            (_GO_ON_AT, lambda: self.started.callers[_STOPPED].send_signal(signal.SIGCONT)),
            (_HALVE_AT - _MINUTE, self._count_before),
            (_HALVE_AT, self._halve),
            (_HALVE_AT + _LEARNING_SECONDS, self._learned),
            (_RESTORE_AT, self._restore),
        ]

    def _kill(self) -> None:
        self.started.restart(_KILLED)
        self._restarts += 1

    def _count_before(self) -> None:
        self._minute_before = self.started.charged()

    def _halve(self) -> None:
        before = self.started.stats()
        self._set_limits(0.5)
        self._halved_at = time.monotonic()
        self._rejected_before = before["rejected"]
        if self.run.policy == "sliding":
            # They go as evenly as they came.
            in_window = before["charged"][self.run.binding] - self._minute_before
            too_many = in_window - self.run.per_second * _MINUTE / 2
            self._left_out = max(0.0, _MINUTE * too_many / max(1, in_window))

    def _learned(self) -> None:
        self._learning = self.started.stats()["rejected"] - self._rejected_before

    def _restore(self) -> None:
        self._set_limits(1.0)
        self._restored_at = time.monotonic()

    def _set_limits(self, share: float) -> None:
        limits = self.run.limits(share)
        self.started.sandbox.limits(openai_requests=limits["requests"], openai_tokens=limits["tokens"])


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
