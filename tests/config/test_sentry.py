"""What reaches Sentry: over real HTTP, from a process of its own with our settings."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.processes import run

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db]

_ERRORS = """
import logging, sys
import django
django.setup()
from workers.context.log_context import log_context
logger = logging.getLogger("blogs.pipeline")

def write_article(prompt):
    api_key = "sk-very-secret"
    try:
        {}[api_key]
    except KeyError as error:
        raise ValueError(f"the model said {prompt} and {api_key}") from error

with log_context(blog=61, site=7, stage="article", attempt=2):
    try:
        write_article("wool for winter")
    except ValueError:
        logger.exception("unexpected error in %s", "wool for winter", extra={"action": "bug", "body": "wool for winter"})
    logger.warning("a warning stays here")
for _ in range(20):
    logger.error("again and again")
print("sentry_sdk" in sys.modules)
logging.shutdown()
"""


class Sentry(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.raw = b""
        self.events: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.raw += body
        lines = body.split(b"\n")
        self.server.events += [
            json.loads(after) for line, after in itertools.pairwise(lines) if b'"type":"event"' in line
        ]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None: ...


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def test_it_is_told_where_and_to_which_blog_and_nothing_that_was_at_hand(sentry: Sentry) -> None:
    ended = run("-c", _ERRORS, SENTRY_DSN=f"http://key@127.0.0.1:{sentry.server_port}/1", RELEASE="2026-11")

    assert ended.returncode == 0, ended.stderr
    event = sentry.events[0]
    assert {name: event["tags"][name] for name in ("blog", "site", "stage", "attempt", "action")} == {
        "blog": "61",
        "site": "7",
        "stage": "article",
        "attempt": "2",
        "action": "bug",
    }
    cause, error = event["exception"]["values"]
    assert (cause["type"], error["type"]) == ("KeyError", "ValueError")
    assert error["stacktrace"]["frames"][-1]["function"] == "write_article"
    assert (event["release"], event["logentry"]["message"]) == ("2026-11", "unexpected error in %s")
    assert {"request", "user", "extra", "breadcrumbs", "contexts", "modules"}.isdisjoint(event)
    for secret in (b"sk-very-secret", b"wool", b"postgres", b"a warning"):
        assert secret not in sentry.raw
    assert [it["logentry"]["message"] for it in sentry.events[1:]] == ["again and again"] * 5


def test_without_a_dsn_it_is_not_even_loaded() -> None:
    ended = run("-c", _ERRORS, SENTRY_DSN="")

    assert (ended.returncode, ended.stdout) == (0, "False\n")


def test_a_dsn_without_the_package_is_one_clear_error() -> None:
    ended = run("-c", "import sys; sys.modules['sentry_sdk'] = None; import config.settings", SENTRY_DSN="http://k@h/1")

    assert ended.returncode == 1
    assert "install requirements-sentry.txt" in ended.stderr
