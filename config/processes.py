"""Runs the processes of one make target: starts them in order, stops them together, leaves none behind.

Our own, and not honcho or supervisor: those don't wait until one process is ready before they start the next, don't take in a
process that was forked elsewhere, and leave theirs running when they are killed themselves.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

_PR_SET_PDEATHSIG = 1
_TICK_SECONDS = 0.1
_HURRIED_SECONDS = 3.0


class ProcessDied(Exception):
    """One of the processes ended by itself, though it should have gone on."""


class Process(Protocol):
    """The part of `subprocess.Popen` that is used here."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Processes:
    """A context manager for processes: on leaving, each gets SIGTERM, `grace` seconds, and then SIGKILL.

    Each process runs in a session of its own: a Ctrl-C in the terminal reaches us alone, and we decide the order of stopping. If we
    are killed ourselves, the kernel sends them SIGTERM (on Linux).
    """

    def __init__(self, environment: Mapping[str, str], *, log: Path | None = None, grace: float = 10) -> None:
        self._environment = dict(environment)
        self._log_path = log
        self._log: IO[bytes] | None = None
        self._grace = grace
        self._running: dict[str, Process] = {}

    def __enter__(self) -> Self:
        if self._log_path:
            self._log = self._log_path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_all()
        if self._log:
            self._log.close()

    def start(
        self, name: str, *arguments: str, interpreter: str = sys.executable, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start `python <arguments>` with our environment. Its output goes to the log, or to our own output if there is no log."""
        return self.start_with(None, name, *arguments, interpreter=interpreter, cwd=None, **environment)

    def start_with(
        self,
        passed_on: socket.socket | None,
        name: str,
        *arguments: str,
        interpreter: str = sys.executable,
        cwd: Path | None = None,
        **environment: str,
    ) -> subprocess.Popen[bytes]:
        """Start it with a socket of ours, which has the same number there; `cwd`: in another folder than ours."""
        process = subprocess.Popen(
            [interpreter, *arguments],
            env=self.environment(name) | environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            pass_fds=[passed_on.fileno()] if passed_on else [],
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        self._running[name] = process
        return process

    def environment(self, name: str) -> dict[str, str]:
        return self._environment | {"PROCESS_NAME": f"blogs-{name}"}

    def adopt(self, name: str, start: Callable[[dict[str, str], IO[bytes] | None], Process]) -> Process:
        """Take in a process that `start` starts, with our environment and our log."""
        process = self._running[name] = start(self.environment(name), self._log)
        return process

    def _stop_all(self) -> None:
        """Send SIGTERM to each, and after the grace SIGKILL to it and its children. A Ctrl-C meanwhile sends a second SIGTERM."""
        processes = list(reversed(self._running.values()))
        ends_at = time.monotonic() + self._grace
        _terminate(processes)
        while _alive(processes) and time.monotonic() < ends_at:
            try:
                time.sleep(_TICK_SECONDS)
            except KeyboardInterrupt:
                ends_at = min(ends_at, time.monotonic() + _HURRIED_SECONDS)
                _terminate(processes)
        for process in _alive(processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill(self, name: str) -> None:
        """Send SIGKILL to one, for tests of what happens then."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str) -> int:
        """Send SIGTERM to one, and wait until it has left. Return its exit code."""
        process = self._running.pop(name)
        process.terminate()
        return process.wait()

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    def check(self) -> None:
        """Raises ProcessDied."""
        for name, process in self._running.items():
            if (code := process.poll()) is not None:
                raise ProcessDied(f"{name} ended by itself with exit code {code}{self.last_lines()}")

    def wait_for(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        ends_at = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > ends_at:
                raise ProcessDied(f"{what} did not come up within {seconds:.0f} seconds{self.last_lines()}")
            time.sleep(_TICK_SECONDS)

    def last_lines(self, count: int = 15) -> str:
        if not self._log_path or not self._log_path.exists():
            return ""
        lines = self._log_path.read_text(errors="replace").splitlines()[-count:]
        return f"; the end of {self._log_path}:\n" + "\n".join(lines)


def listener(host: str, port: int) -> socket.socket:
    """Listen there, for a process that is started with the socket: who looks for a free port and binds it later may find it taken.

    Raises OSError. 0 is any port.
    """
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)


def stop_on_signals() -> None:
    """Let SIGTERM raise KeyboardInterrupt, as Ctrl-C does. SIGINT is set too, because some shells start us with it ignored."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


def _alive(processes: list[Process]) -> list[Process]:
    return [process for process in processes if process.poll() is None]


def _terminate(processes: list[Process]) -> None:
    for process in _alive(processes):
        process.terminate()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
