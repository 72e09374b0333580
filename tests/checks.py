"""`make checks`: what CI asks besides tests. Each command runs as it stands; the first failure doesn't hide the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.run import ENVIRONMENT

_BIN = Path(sys.executable).parent
# Nothing here opens a connection; the settings only want to know that a server is named.
_NO_SERVER = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
_PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "k7)v0wq!c5@x2m9#z4$u8^r1&e6*t3(y-b+n_f=h%j~d0s2a5g8",
    "ALLOWED_HOSTS": "blogs.example.com",
    "HTTPS_ONLY": "true",
    "BEHIND_HTTPS_PROXY": "true",
}
_ROOMS = ["blogs", "credits", "wix", "workers", "config"]


def main() -> int:
    environment = {**os.environ, **ENVIRONMENT, **_NO_SERVER}
    failed = [
        name
        for name, command, more in (
            ("lint", [_BIN / "ruff", "check", "."], {}),
            ("format", [_BIN / "ruff", "format", "--check", "--quiet", "."], {}),
            ("types", [_BIN / "mypy", *_ROOMS], {}),
            ("import rules", [_BIN / "lint-imports"], {}),
            ("system checks", [sys.executable, "manage.py", "check", "--fail-level", "WARNING"], {}),
            ("migrations", [sys.executable, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run"], {}),
            ("deployment", [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], _PRODUCTION),
        )
        if not _passes(name, [str(word) for word in command], {**environment, **more})
    ]
    print(f"checks failed: {', '.join(failed)}" if failed else "checks passed")
    return 1 if failed else 0


def _passes(name: str, command: list[str], environment: dict[str, str]) -> bool:
    print(f"--- {name}", flush=True)
    return subprocess.run(command, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
