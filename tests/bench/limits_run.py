"""One run of `limits`: a strict sandbox of its own, processes that call it, and by the model's name a limit of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from config.processes import Process, Processes
from tests.sandbox import SandboxClient
from tests.support import forks
from tests.support.world import free_port

PER_MINUTE = {"requests": 450, "tokens": 450_000}
# How many times faster than real ones answers come, so that few threads keep enough calls under way; times the scale.
_SPEED = 10
_THREADS = 32
_STARTING_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Run:
    binding: str
    policy: str
    processes: int
    scale: int
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.binding}-{self.policy}-{self.processes}-x{self.scale}"

    @property
    def per_second(self) -> float:
        return PER_MINUTE[self.binding] * self.scale / 60

    def limits(self, share: float = 1.0) -> dict[str, int]:
        return {what: round(limit * self.scale * share) for what, limit in PER_MINUTE.items()}


@contextmanager
def running(runs: Sequence[Run], log: Path, environment: Mapping[str, str]) -> Iterator[list[Started]]:
    """All beside each other, from the first call on."""
    log.parent.mkdir(exist_ok=True)
    with Processes({**environment, "LOG_LEVEL": "WARNING"}, log=log, grace=3) as processes:
        started = [Started(run, processes) for run in runs]
        begin_at = time.monotonic() + _STARTING_SECONDS
        for each in started:
            each.call(begin_at)
        for each in started:
            each.wait_for_calls()
        yield started
        processes.check()


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


class Started:
    def __init__(self, run: Run, processes: Processes) -> None:
        """The sandbox; `call` starts the callers. Processes are started and killed by the thread that owns `processes` alone."""
        self.run, self._processes = run, processes
        port = free_port()
        processes.start(
            f"sandbox-{run.name}",
            *("-m", "tests.sandbox", f"--port={port}", f"--policy={run.policy}", "--workload=short"),
            *(f"--speed={_SPEED * run.scale}", f"--limit-scale={run.scale}"),
        )
        self.sandbox = SandboxClient(f"http://127.0.0.1:{port}")
        processes.wait_for(self._answers, seconds=30, what="the sandbox")
        self._environment = {
            "OPENAI_API_KEY": "bench",
            "OPENAI_BASE_URL": self.sandbox.openai_url,
            "OPENAI_MODEL": run.name,
            **{f"OPENAI_{what.upper()}_PER_MINUTE": str(limit) for what, limit in run.limits().items()},
        }
        self.callers: list[Process] = []
        self.began = 0.0

    def call(self, begin_at: float) -> None:
        """All callers at once, at that monotonic time: while all of them start, none has the machine that it will have."""
        self.callers = [self.start(number, begin_at) for number in range(self.run.processes)]

    def wait_for_calls(self) -> None:
        self._processes.wait_for(lambda: self.charged() > 0, seconds=120, what="the first call")
        self.began, self._charged_before = time.monotonic(), self.charged()

    @property
    def used(self) -> int:
        """Of what binds, since it `began`; by the sandbox's own count."""
        return self.charged() - self._charged_before

    def start(self, number: int, begin_at: float = 0.0) -> Process:
        threads = f"--threads={_THREADS // self.run.processes}"
        command = ["-m", "tests.bench.caller", f"--binding={self.run.binding}", threads, f"--begin-at={begin_at}"]

        def fork(environment: dict[str, str], log: IO[bytes] | None) -> Process:
            return forks.start(command, {**environment, **self._environment}, log)

        return self._processes.adopt(self.caller(number), fork)

    def restart(self, number: int) -> None:
        """SIGKILL, and another in its place."""
        self._processes.kill(self.caller(number))
        self.callers[number] = self.start(number)

    def caller(self, number: int) -> str:
        return f"caller-{self.run.name}-{number}"

    def charged(self) -> int:
        return int(self.stats()["charged"][self.run.binding])

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.stats()["openai"]
        return found

    def about(self) -> dict[str, Any]:
        run = self.run
        return {"binding": run.binding, "policy": run.policy, "processes": run.processes, "scale": run.scale}

    def _answers(self) -> bool:
        try:
            return bool(self.sandbox.stats())
        except OSError:
            return False
