"""The first line of a process says what has started: without it, a log does not say which release wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import Worker
from tests.support.threads import wait_until
from tests.support.web_server import served

pytestmark = pytest.mark.slow_process


def _line(log: str, action: str) -> dict[str, object]:
    found = [json.loads(line) for line in log.splitlines() if f'"action": "{action}"' in line]
    return dict(found[0])


def test_a_web_process_says_its_release_and_where_it_serves(capfd: pytest.CaptureFixture[str]) -> None:
    settings = {"WEB_PROCESSES": "1", "WEB_THREADS": "3", "RELEASE": "2026-11-28", "LOG_FORMAT": "json"}
    with served(**settings) as port:
        line = _line(capfd.readouterr().err, "serving")

    shown = {name: line[name] for name in ("release", "processes", "threads", "bind")}
    assert shown == {"release": "2026-11-28", "processes": 1, "threads": 3, "bind": f"http://127.0.0.1:{port}"}


@pytest.mark.django_db(transaction=True)
def test_a_worker_says_its_release_its_name_and_its_seats(sandbox: Sandbox, tmp_path: Path) -> None:
    log, worker = tmp_path / "log", Worker(sandbox, RELEASE="2026-11-28", LOG_FORMAT="json")
    with log.open("wb") as stream:
        worker.start("--threads", "3", output=stream)
        wait_until(lambda: b'"action": "working"' in log.read_bytes())
        worker.kill()

    line = _line(log.read_text(), "working")
    assert (line["release"], line["threads"], line["batch_size"]) == ("2026-11-28", 3, 100)
    assert ":" in str(line["worker"])
