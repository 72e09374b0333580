"""The part of `limits` in which things go wrong; alone: `make bench NAME=disturbed`.

Four processes are started at once. All along, every ten seconds, one is SIGKILLed and started again. One is stopped (SIGSTOP) for
30 s and goes on; the database they share is restarted; the provider halves the limit and later gives it back. At 450 and 450,000 a
minute and at twice that, all beside each other on a PostgreSQL of their own. At the top level stands the worst of the runs.

- `used_share`: what the sandbox charged from the first call to the end, of what the limits in force allowed in that time: their
  integral, also while processes or the database were away. A sliding minute that is halved is full of earlier calls, and
  no call is let in until enough of them are a minute old: what the halved limit comes to until then is left out of the allowed
  (`left_out_s`, from the calls charged in the minute before), and nothing else. A caller that then asks as fast as old calls
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
from pathlib import Path
from typing import Any

from config import embedded_postgres
from tests.bench.crowd import LOG
from tests.bench.limits_run import Run, Started, running, sleep_until

_SECONDS = 200.0
_RUNS = [
    Run("tokens", "bucket", 4, 1, _SECONDS),
    Run("requests", "sliding", 4, 1, _SECONDS),
    Run("tokens", "bucket", 4, 2, _SECONDS),
]
_KILL_EVERY_SECONDS = 10.0
_KILLED, _STOPPED = 0, 1
_STOP_AT, _GO_ON_AT, _RESTART_AT, _HALVE_AT, _RESTORE_AT = 25.0, 55.0, 75.0, 105.0, 165.0
# Until the first call that is refused has told all processes.
_LEARNING_SECONDS = 2.0
_MINUTE = 60.0
_PROJECT = Path(__file__).resolve().parent.parent.parent


def measure() -> dict[str, Any]:
    with embedded_postgres.spare_server("bench-disturbed", durable=True) as database:
        environment = {**os.environ, "DATABASE_URL": database.url, "DATABASE_DIRECT_URL": database.url}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=_PROJECT, env=environment, check=True)
        with running(_RUNS, LOG.with_name("bench-disturbed.log"), environment) as started:
            runs = _disturbed([Disturbed(each) for each in started], database)
    for figures in runs:
        print(figures, flush=True)
    return {
        "used_share": min(run["used_share"] for run in runs),
        "rejected_share": max(run["rejected_share"] for run in runs),
        "runs": runs,
    }


def _disturbed(runs: list[Disturbed], database: embedded_postgres.Server) -> list[dict[str, Any]]:
    began = time.monotonic()
    for at, happen in _events(database):
        sleep_until(began + at)
        happen(runs)
    sleep_until(began + _SECONDS)
    return [run.figures() for run in runs]


def _events(database: embedded_postgres.Server) -> list[tuple[float, Callable[[list[Disturbed]], None]]]:
    def restart_database(runs: list[Disturbed]) -> None:
        database.stop("fast")
        database.start()

    def each(happen: Callable[[Disturbed], None]) -> Callable[[list[Disturbed]], None]:
        def of_all(runs: list[Disturbed]) -> None:
            for run in runs:
                happen(run)

        return of_all

    kills = range(1, int(_SECONDS / _KILL_EVERY_SECONDS))
    events = [
        *((number * _KILL_EVERY_SECONDS, each(Disturbed.kill)) for number in kills),
        (_STOP_AT, each(lambda run: run.signal(signal.SIGSTOP))),
        (_GO_ON_AT, each(lambda run: run.signal(signal.SIGCONT))),
        (_RESTART_AT, restart_database),
        (_HALVE_AT - _MINUTE, each(Disturbed.count_before)),
        (_HALVE_AT, each(Disturbed.halve)),
        (_HALVE_AT + _LEARNING_SECONDS, each(Disturbed.learned)),
        (_RESTORE_AT, each(Disturbed.restore)),
    ]
    return sorted(events, key=lambda event: event[0])


class Disturbed:
    def __init__(self, started: Started) -> None:
        self._started, self.run = started, started.run
        self._sigkills = 0
        self._rejected_before = self._learning = 0  # 429s until the halving, and those that don't count
        self._left_out = 0.0
        self._minute_before = 0
        self._halved_at = self._restored_at = 0.0

    def figures(self) -> dict[str, Any]:
        used, stats = self._started.used, self._started.stats()
        halved = self._restored_at - self._halved_at
        took = time.monotonic() - self._started.began
        allowed = self.run.per_second * (took - (halved + self._left_out) / 2)
        rejected = stats["rejected"] - self._learning
        return {
            **self._started.about(),
            "used_share": round(used / allowed, 4),
            "rejected_share": round(rejected / stats["requests"], 5),
            "calls": stats["requests"],
            "rejected": rejected,
            "rejected_before_halving": self._rejected_before,
            "rejected_while_learning": self._learning,
            "left_out_s": round(self._left_out, 1),
            "sigkills": self._sigkills,
        }

    def kill(self) -> None:
        self._started.restart(_KILLED)
        self._sigkills += 1

    def signal(self, number: int) -> None:
        self._started.callers[_STOPPED].send_signal(number)

    def count_before(self) -> None:
        self._minute_before = self._started.charged()

    def halve(self) -> None:
        stats = self._started.stats()
        self._set_limits(0.5)
        self._halved_at, self._rejected_before = time.monotonic(), stats["rejected"]
        if self.run.policy == "sliding":
            # They go as evenly as they came.
            in_window = stats["charged"][self.run.binding] - self._minute_before
            too_many = in_window - self.run.per_second * _MINUTE / 2
            self._left_out = max(0.0, _MINUTE * too_many / max(1, in_window))

    def learned(self) -> None:
        self._learning = self._started.stats()["rejected"] - self._rejected_before

    def restore(self) -> None:
        self._set_limits(1.0)
        self._restored_at = time.monotonic()

    def _set_limits(self, share: float) -> None:
        limits = self.run.limits(share)
        self._started.sandbox.limits(openai_requests=limits["requests"], openai_tokens=limits["tokens"])
