"""`run_blog_worker`, or any module, in a process of its own that starts in a fraction of the time, because it is forked from one
that has imported other people's packages already: a chaos run starts 200 workers, and most of what a start costs is importing.

The project's own code, settings and checks run in each as under `manage.py`. It is a process like any other, and a child of ours:
the kernel hands it to us (as its "subreaper") when the one between has ended. Linux only; elsewhere workers start as usual.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from config.processes import Process

_PROJECT = Path(__file__).resolve().parents[2]
# What takes most of the time, and reads nothing of our environment when it is imported.
_PACKAGES = ("openai", "replicate", "requests", "psycopg2", "config.pooled_postgresql.base", "django.db.models")
_MESSAGE_BYTES = 1 << 17
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def start_worker(
    arguments: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None, *, prefix: tuple[str, ...] = ()
) -> Process:
    """Start a worker, silent without an `output`. `prefix` is a command that prepares something and then becomes another
    (`nsenter`)."""
    return start(["manage.py", "run_blog_worker", *arguments], environment, output, prefix=prefix)


def start(
    command: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None, *, prefix: tuple[str, ...] = ()
) -> Process:
    """Start a process of Python. `command` is what follows `python`: a file, or `-m` and a module."""
    if sys.platform == "linux":
        return _Forked(_nursery(prefix).fork(command, environment, output))
    silent = subprocess.DEVNULL
    return subprocess.Popen(
        [*prefix, sys.executable, *command],
        env=environment,
        stdout=output or silent,
        stderr=output or silent,
        start_new_session=True,
    )


class _Forked:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        ends_at = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > ends_at:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Nursery:
    """The process that forks ours. It ends with us."""

    def __init__(self, prefix: tuple[str, ...]) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [*prefix, sys.executable, "-m", "tests.support.forks", str(theirs.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(command, cwd=_PROJECT, pass_fds=[theirs.fileno()], start_new_session=True)
        atexit.register(self.end)

    def end(self) -> None:
        self._line.close()
        self._process.wait()

    def fork(self, command: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None) -> int:
        wanted = json.dumps([list(command), dict(environment)]).encode()
        with open(os.devnull, "wb") as nowhere:
            socket.send_fds(self._line, [wanted], [(output or nowhere).fileno()])
        if not (answer := self._line.recv(64)):
            raise RuntimeError("The process that forks workers has ended.")
        return int(answer)


@functools.cache
def _nursery(prefix: tuple[str, ...]) -> _Nursery:
    return _Nursery(prefix)


# --- In that process --------------------------------------------------------------------------------------------------


def _serve(line: socket.socket, ours: int) -> None:
    for package in _PACKAGES:
        importlib.import_module(package)
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, _MESSAGE_BYTES, 1)
        if not message:
            return
        reading, writing = os.pipe()
        between = os.fork()
        if not between:
            _fork_again(line, message, descriptors[0], writing, ours)
        os.waitpid(between, 0)
        os.close(writing)
        line.send(os.read(reading, 64))
        for descriptor in (reading, *descriptors):
            os.close(descriptor)


def _fork_again(line: socket.socket, message: bytes, output: int, writing: int, ours: int) -> None:
    """Fork a second time, so that the new process loses its parent and comes to us."""
    line.close()
    if pid := os.fork():
        os.write(writing, str(pid).encode())
        os._exit(0)
    os.close(writing)
    while os.getppid() != ours:
        time.sleep(0.001)
    _die_with_parent()
    os.setsid()
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    sys.argv, environment = json.loads(message)
    os.environ.clear()
    os.environ.update(environment)
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
