"""How much of a provider's limit several processes use together, and how often they ask too much: `make bench NAME=limits`.

Against the strict sandbox at 450 requests and 450,000 tokens a minute, requests binding and tokens binding, counted by a sliding
minute and by a small bucket, 1 and 4 processes: two runs of each beside each other, and one of five minutes beside all of them.
Every run has a sandbox of its own and, by its model's name, a limit of its own. Answers come ten times faster than real ones, so
that fewer threads keep as many calls under way.

`used_share`: what the sandbox charged in the steady part (after the first 20 s), of what its limit allows in that time; tokens as
reserved up front. `rejected`: its 429s, in the whole run.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from config.processes import Processes
from tests.sandbox import SandboxClient
from tests.world import free_port

_LOG = Path(__file__).resolve().parent.parent.parent / ".local" / "bench-limits.log"
_SPEED, _THREADS = 10, 32
_RAMP_SECONDS, _SECONDS, _LONG_SECONDS = 20.0, 110.0, 300.0
_PER_MINUTE = {"requests": 450, "tokens": 450_000}


@dataclass(frozen=True, slots=True)
class Run:
    binding: str
    policy: str
    processes: int
    seconds: float = _SECONDS

    @property
    def name(self) -> str:
        return f"{self.binding}-{self.policy}-{self.processes}-{self.seconds:.0f}"


_LONG = Run("tokens", "sliding", 4, _LONG_SECONDS)
_BATCHES = [
    [Run(binding, policy, processes) for policy in ("sliding", "bucket") for processes in (1, 4)]
    for binding in ("requests", "tokens")
]


def measure() -> dict[str, Any]:
    _LOG.parent.mkdir(exist_ok=True)
    psutil.cpu_percent()
    with ThreadPoolExecutor(1) as beside:
        long = beside.submit(_together, [_LONG])
        runs = [figures for batch in _BATCHES for figures in _together(batch)] + long.result()
    return {"runs": runs, "cpu_share": psutil.cpu_percent() / 100, "scale": 1}


def _together(batch: list[Run]) -> list[dict[str, Any]]:
    log = _LOG.with_name(f"bench-limits-{batch[0].name}.log")
    with (
        Processes({**os.environ, "LOG_LEVEL": "WARNING"}, log=log, grace=3) as processes,
        ThreadPoolExecutor(len(batch)) as watching,
    ):
        started = [Started(run, processes) for run in batch]
        found = list(watching.map(Started.figures, started))
    for figures in found:
        print(figures, flush=True)
    return found


class Started:
    def __init__(self, run: Run, processes: Processes) -> None:
        self.run = run
        port = free_port()
        processes.start(
            f"sandbox-{run.name}",
            "-m",
            "tests.sandbox",
            f"--port={port}",
            f"--speed={_SPEED}",
            f"--policy={run.policy}",
        )
        self.sandbox = SandboxClient(f"http://127.0.0.1:{port}")
        processes.wait_for(self._answers, seconds=30, what="the sandbox")
        environment = {
            "OPENAI_API_KEY": "bench",
            "OPENAI_BASE_URL": self.sandbox.openai_url,
            "OPENAI_MODEL": run.name,
        }
        for number in range(run.processes):
            processes.start(
                f"caller-{run.name}-{number}",
                "-m",
                "tests.bench.caller",
                f"--threads={_THREADS // run.processes}",
                f"--binding={run.binding}",
                **environment,
            )
        processes.wait_for(lambda: self._charged()["requests"] > 0, seconds=60, what="the first call")
        self.began = time.monotonic()

    def figures(self) -> dict[str, Any]:
        """Waits for the run's end."""
        self._wait(_RAMP_SECONDS)
        before, at = self._charged()[self.run.binding], time.monotonic()
        self._wait(self.run.seconds)
        used, took = self._charged()[self.run.binding] - before, time.monotonic() - at
        stats = self.sandbox.stats()["openai"]
        return {
            "binding": self.run.binding,
            "policy": self.run.policy,
            "processes": self.run.processes,
            "seconds": round(took),
            "used_share": round(used / (_PER_MINUTE[self.run.binding] * took / 60), 4),
            "most_in_a_minute": stats["maxInWindow"][self.run.binding],
            "rejected": stats["rejected"],
        }

    def _wait(self, until: float) -> None:
        time.sleep(max(0.0, self.began + until - time.monotonic()))

    def _charged(self) -> dict[str, int]:
        charged: dict[str, int] = self.sandbox.stats()["openai"]["charged"]
        return charged

    def _answers(self) -> bool:
        try:
            return bool(self.sandbox.stats())
        except OSError:
            return False
