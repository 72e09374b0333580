from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config import healthcheck


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health/live" else 404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[int]:
    """The port of a server that answers `/health/live` as a web process does."""
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The environment of a container; the path of the file that a worker would touch."""
    monkeypatch.setenv("BLOG_WORKER_ALIVE_PATH", str(tmp_path / "alive"))
    # The discard port: no web process is there.
    monkeypatch.setenv("BIND", "0.0.0.0:9")
    return tmp_path / "alive"


def test_a_web_process_that_answers_is_alive(web: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIND", f"0.0.0.0:{web}")

    assert healthcheck.main() == 0


def test_a_process_that_neither_answers_nor_beats_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main() == 1
    assert "refused" in capsys.readouterr().err


def test_a_worker_that_has_just_beaten_is_alive(process: Path) -> None:
    process.touch()

    assert healthcheck.main() == 0


def test_a_worker_whose_heart_stands_still_is_not(process: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process.touch()
    os.utime(process, (0, 0))

    assert healthcheck.main() == 1
    assert "heartbeat" in capsys.readouterr().err


def test_it_imports_no_django_since_it_runs_every_few_seconds(process: Path) -> None:
    code = "import sys, config.healthcheck; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
