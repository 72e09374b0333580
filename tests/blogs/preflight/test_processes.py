"""Real processes: a worker and gunicorn don't start where they could not work, and say why in one line."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes
from tests.support.database import database_url
from tests.support.spare_databases import spare_database
from tests.support.web_server import exchange, request, served

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db]

_PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "a-key-of-more-than-thirty-two-letters",
    "ALLOWED_HOSTS": "blogs.example.com",
    "OPENAI_API_KEY": "sk-test",
    "REPLICATE_API_TOKEN": "r8_test",
}
_GUNICORN = ("-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi")


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_neither_starts_on_a_database_that_is_not_migrated(key_file: Path) -> None:
    with spare_database(encoding="SQL_ASCII") as url, socket.create_server(("127.0.0.1", 0)) as taken:
        production = {**_PRODUCTION, "DATABASE_URL": url, "WIX_WEBHOOK_PUBLIC_KEYS_FILE": str(key_file)}
        # It must not even come to listening.
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        gunicorn = processes.run(*_GUNICORN, **production, BIND=bind)
        worker = processes.run("manage.py", "run_blog_worker", **production)
        by_hand = processes.run("manage.py", "preflight", **production)

    for ended in (gunicorn, worker, by_hand):
        said = ended.stdout + ended.stderr
        assert ended.returncode == 1, said
        assert "Traceback" not in said
    for ended in (gunicorn, worker):
        lines = [(line["level"], line["action"], line["fault"]) for line in _lines(ended.stderr)]
        expected = ["database_encoding", "migrations_unapplied"]
        assert lines == [("ERROR", "preflight", fault) for fault in expected]
    assert "Not started." in worker.stderr


def test_a_setting_that_can_not_be_read_stops_gunicorn_with_one_line() -> None:
    ended = processes.run(*_GUNICORN, **_PRODUCTION | {"HTTPS_ONLY": "ture"})

    assert (ended.returncode, ended.stderr.strip()) == (1, "Error: HTTPS_ONLY: 'ture' is neither true nor false")


def test_gunicorn_starts_without_the_database_and_says_that_it_is_not_ready() -> None:
    with served(**_PRODUCTION, WEB_PROCESSES="1", WEB_THREADS="2") as port:
        live, _ = exchange(port, request("GET", "/health/live"))
        ready, body = exchange(port, request("GET", "/health/ready", Host="10.1.2.3"))

    assert live == 200
    assert (ready, json.loads(body)) == (503, {"status": "failing", "faults": ["database_unreachable"]})


def test_gunicorn_with_all_that_it_needs_is_ready(key_file: Path) -> None:
    ours = {"DATABASE_URL": database_url(), "WIX_WEBHOOK_PUBLIC_KEYS_FILE": str(key_file)}
    with served(**_PRODUCTION, **ours, WEB_PROCESSES="1", WEB_THREADS="2") as port:
        ready, body = exchange(port, request("GET", "/health/ready", Host="10.1.2.3"))

    assert (ready, json.loads(body)) == (200, {"status": "ok", "faults": []})
