"""A container engine: the one that runs, or a Docker of our own in a folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

_START_SECONDS, _STOP_SECONDS, _PULL_SECONDS = 30, 30, 60
SMALLEST = "debian:bookworm-slim"
# Three times what the images and the cache of their builds take, in bytes.
_MEMORY = 6 * 1024**3
# Debian's, before any that a machine has for itself.
_DOCKER = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


class Failed(Exception):
    """A command did not do what it should; str() has its last lines."""


class Engine:
    def __init__(self, address: str, *, ours: bool) -> None:
        self.address = address
        self.ours = ours

    def docker(self, *arguments: str, seconds: float = 300, standard_input: IO[bytes] | None = None) -> str:
        """Run one command of docker's; return what it prints. Raises Failed."""
        environment = self.environment()
        return run(_DOCKER, *arguments, seconds=seconds, standard_input=standard_input, environment=environment)

    def environment(self) -> dict[str, str]:
        return {"DOCKER_BUILDKIT": "1", **({"DOCKER_HOST": self.address} if self.address else {})}

    def can_pull(self, image: str) -> bool:
        try:
            self.docker("pull", "--quiet", image, seconds=_PULL_SECONDS)
        except (Failed, subprocess.TimeoutExpired):
            return False
        return True


def what_is_missing() -> str:
    """Say why there can be no engine here; empty if there can."""
    if _runs_and_pulls():
        return ""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "no engine runs that can pull images, and only root on Linux can start one of our own"
    programs = [name for name in ("dockerd", "debootstrap") if not shutil.which(name)]
    return f"{' and '.join(programs)} (Debian: apt-get install docker.io debootstrap)" if programs else ""


@contextmanager
def running() -> Iterator[Engine]:
    """Use the engine that runs; or start one, whose folder is removed with all that it holds."""
    if _runs_and_pulls():
        yield Engine("", ours=False)
        return
    with _folder() as folder, _daemon(folder) as address:
        yield Engine(address, ours=True)


@contextmanager
def _daemon(folder: Path) -> Iterator[str]:
    address = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        where = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
        daemon = subprocess.Popen(
            ["dockerd", *where, "--host", address], stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(daemon, address, folder / "log")
        yield address
    finally:
        # It stops containers and its containerd.
        daemon.terminate()
        try:
            daemon.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where there is enough: packages are unpacked there, and 50,000 files removed, without a disk."""
    folder = Path(tempfile.mkdtemp(prefix="blogs-engine-"))
    in_memory = _free_memory() > _MEMORY
    if in_memory:
        run("mount", "-t", "tmpfs", "-o", f"size={_MEMORY},mode=0711", "tmpfs", folder)
    try:
        yield folder
    finally:
        if in_memory:
            # Lazily, since a container's own mounts may take a moment longer.
            subprocess.run(["umount", "--lazy", "--recursive", folder], check=False)
        subprocess.run(["rm", "-rf", folder], check=False)


def _free_memory() -> int:
    found = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) * 1024 if found else 0


def run(
    *command: str | Path,
    seconds: float = 300,
    standard_input: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command; return what it prints. Raises Failed."""
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        stdin=standard_input or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    printed = done.stdout.decode(errors="replace")
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))[:120]} ended with {done.returncode}:\n{printed[-3_000:]}")
    return printed


def _wait(daemon: subprocess.Popen[bytes], address: str, log: Path) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    while not _answers(address):
        if daemon.poll() is not None or time.monotonic() > ends_at:
            raise Failed(f"dockerd did not come up:\n{log.read_text(errors='replace')[-3_000:]}")
        time.sleep(0.2)


@cache
def _runs_and_pulls() -> bool:
    return _answers("") and Engine("", ours=False).can_pull(SMALLEST)


def _answers(address: str) -> bool:
    if not (Path(_DOCKER).exists() or shutil.which(_DOCKER)):
        return False
    host = {"DOCKER_HOST": address} if address else {}
    command = [_DOCKER, "version", "--format", "{{.Server.Version}}"]
    asked = subprocess.run(command, env={**os.environ, **host}, capture_output=True, check=False)
    return asked.returncode == 0
