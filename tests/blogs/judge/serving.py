"""The service that the judges ask, and their programs: those of npm, and those of Python in an environment of their own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import venv

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(__file__).parent
_MODULES = FOLDER / "node_modules"


class NotInstalled(Exception):
    """A judge can't be had here; str() says why."""


@dataclass(frozen=True, slots=True)
class Service:
    url: str
    credentials: dict[str, str]


@contextmanager
def serving(*arguments: str) -> Iterator[Service]:
    """Start the service in a process of its own, whose settings are not the tests'."""
    environment = {name: it for name, it in os.environ.items() if not name.startswith(("DATABASE_", "PYTEST_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.blogs.judge.service", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = next((line for line in process.stdout if '"credentials"' in line), "")
        assert line, "The service did not come up; its last words are in stderr."
        yield Service(**json.loads(line))
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def of_npm(name: str) -> str:
    """Return the path of one of npm's programs. Raises NotInstalled."""
    if not shutil.which("node"):
        raise NotInstalled(f"{name} needs node, and there is none.")
    if not (_MODULES / "installed").exists():
        raise NotInstalled(f"{name} is not installed: make test-outside")
    return str(_MODULES / ".bin" / name)


def python() -> str:
    """Return the judges' Python; installs it on first use, once for all processes of a run. Raises NotInstalled."""
    lock = ROOT / ".local" / "venv-judges.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            return venv.interpreter("judges", ROOT / "requirements-judges.txt")
        except (subprocess.CalledProcessError, OSError) as error:
            raise NotInstalled(f"Schemathesis can't be installed here: {error}") from error
