"""Processes of ours, for what a process reads or decides only once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from django.conf import settings

from tests.support.database import database_url


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python <arguments>` to its end, on the tests' database unless the environment names another."""
    known = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATABASE_DIRECT_URL": "",
        "READ_DOTENV": "false",
        "DEBUG": "true",
    }
    ours = {"WIX_APP_ID": settings.WIX_APP_ID, "WIX_APP_SECRET": settings.WIX_APP_SECRET}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**known, **ours, **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(script: str, **environment: str) -> Any:
    """Run a script with Django ready. Return what it prints as JSON."""
    done = run(
        "-c", f"import django\ndjango.setup()\n{script}", DJANGO_SETTINGS_MODULE="config.settings", **environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
