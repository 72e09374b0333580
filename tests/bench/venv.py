"""Virtual environments of a benchmark's own, for what must not be importable in ours, or should run without our tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent.parent / ".local"


def interpreter(name: str, locked: Path) -> str:
    """Python with the packages of that requirements file; installed on first use, and when the file has changed."""
    folder = _FOLDER / f"venv-{name}"
    python, made_of = folder / "bin" / "python", folder / "made-of.txt"
    if not made_of.exists() or made_of.read_text() != locked.read_text():
        print(f"installing {locked.parent.name}/{locked.name} for {name}, once", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        subprocess.run([python, "-m", "pip", "install", *quiet, "-r", locked], check=True)
        made_of.write_text(locked.read_text())
    return str(python)
