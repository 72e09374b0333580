"""Schemathesis, with all of its checks, on the served document of a real gunicorn: by each credential, and with none."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.blogs.judge.serving import FOLDER, Service

pytestmark = pytest.mark.slow_process

# 4 runs have more than 3,000 cases together; each says how many it had.
_EXAMPLES, _CASES_MIN = 15, 1_000
_CREDENTIALS = ["signedInstance", "dashboardToken", "apiKey", None]


@pytest.mark.parametrize("credential", _CREDENTIALS)
def test_no_generated_request_is_answered_otherwise_than_described(
    service: Service, judges: Path, tmp_path: Path, credential: str | None
) -> None:
    said = _run(service, judges, tmp_path, credential)

    print(said.stdout[-2_000:])
    assert said.returncode == 0, said.stdout[-20_000:] + said.stderr[-2_000:]
    cases = re.search(r"(\d+) generated", said.stdout)
    assert cases, said.stdout[-2_000:]
    assert int(cases[1]) >= _CASES_MIN


def _run(service: Service, judges: Path, folder: Path, credential: str | None) -> subprocess.CompletedProcess[str]:
    config = (FOLDER / "schemathesis.toml").read_text()
    if credential:
        config += f'\n[auth.openapi.{credential}]\nbearer = "{service.credentials[credential]}"\n'
    (folder / "schemathesis.toml").write_text(config)
    command = [str(judges / "st"), "--config-file", "schemathesis.toml", "run", f"{service.url}/api/schema"]
    return subprocess.run(
        # Streams are served by a process of their own, which is not here.
        [
            *command,
            "--exclude-path-regex",
            "/events$",
            "--no-color",
            "--seed",
            os.environ.get("SCHEMATHESIS_SEED", "1"),
            "--max-examples",
            str(_EXAMPLES),
            "--checks",
            "all",
        ],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "asking", "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=900,
    )
