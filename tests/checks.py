"""`make checks`: what CI asks besides tests. Each command runs as it stands; the first failure doesn't hide the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.run import ENVIRONMENT

_BIN = Path(sys.executable).parent
# Nothing here opens a connection; the settings only want to know that a server is named.
_NO_SERVER = {"DATABASE_URL": "postgres://none@127.0.0.1:1/none"}
# Its private half is nowhere.
_PUBLIC_KEY = (
    "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FROEFNSUlCQ2dLQ0FRRUFyTHU5"
    "YkFET1AzeFVMSVM1b2NNNQp5STdzTG5Ba0dEdWx4ZFZiMDE5emh3dkVRRXljM0UzWmVYcUlFdk95OHZlTGVqRWRZZjRXQk1Vek1R"
    "NUZpSkVmCnN2Q05uMEVpdmFOb0EzV2pjZkl6amh5SEdMTS9ia0JadFRoUzJnaktBM0NFOGd3Z3dEUmFBTy9zamw2RFlJZGIKTmoz"
    "aktoWU9aV1ljOGFpcEF6aTRWSmgrL2hobnBDY055RUtUOWx4Rm1wcmxhYVc4RmpVV1VaZXNKTlZTR0F6QQovMklQcTZoekV2TDVi"
    "d0NURVpLVkdFc2ZTajA1bjZmVWpoenZsUXh3OTQ0WjA5Yy91Y1MvNGZRTytuUHg2bzc4ClV6MmFtMTRKWUNPQndYdWpIa3ZPWnpN"
    "SzQvNFNwTkttcUZNaHJWMUdJL0lYWFd2Y1o2RFd3YUk1SlBEeXV3YlUKMHdJREFRQUIKLS0tLS1FTkQgUFVCTElDIEtFWS0tLS0t"
    "Cg=="
)
_PRODUCTION = {
    "WIX_WEBHOOK_PUBLIC_KEYS": _PUBLIC_KEY,
    "DEBUG": "false",
    "SECRET_KEY": "k7)v0wq!c5@x2m9#z4$u8^r1&e6*t3(y-b+n_f=h%j~d0s2a5g8",
    "ALLOWED_HOSTS": "blogs.example.com",
    "HTTPS_ONLY": "true",
    "BEHIND_HTTPS_PROXY": "true",
    "TRUSTED_PROXIES": "127.0.0.1",
}
_ROOMS = ["blogs", "credits", "wix", "workers", "config", "tests"]


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
            ("openapi.json", [sys.executable, "manage.py", "write_openapi", "--check"], {}),
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
