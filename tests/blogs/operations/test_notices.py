"""The alert webhook is told once of each alert's begin and end: over real HTTP, by any number of workers."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection

from blogs.operations import notices
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import Worker
from tests.support.threads import at_once, wait_until
from workers.context.process_memory import forget_everything
from workers.models import AlertNotice, Breaker, WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "T00-B00-very-secret"


class Receiver(ThreadingHTTPServer):
    """Stores what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        if self.server.status == 200:
            self.server.got.append(body)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        if self.server.status == 307:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None: ...


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        settings.DEBUG = True
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/{SECRET}"
        settings.ALERT_WEBHOOK_FORM = "generic"
        yield server
        server.shutdown()
        serving.join()


def look_and_tell() -> None:
    forget_everything()
    notices.look_and_tell()


def told(receiver: Receiver) -> list[tuple[str, str]]:
    return [(body["alert"], body["status"]) for body in receiver.got]


def a_while_later() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workers_alertnotice SET try_at = try_at - interval '3 hours'")


def goes_down(provider: str) -> None:
    """A migration makes rows of some providers; so that no probe closes it, a person holds it."""
    down = {"opened_at": "2026-01-01T00:00Z", "held_by": "ada"}
    Breaker.objects.update_or_create(provider=provider, defaults=down)


def test_an_alert_is_told_when_it_fires_and_when_it_is_over(receiver: Receiver) -> None:
    blog = factories.pending_generation()
    look_and_tell()
    look_and_tell()
    assert told(receiver) == [("nobody_works", "firing")]
    body = receiver.got[0]
    assert body["severity"] == "critical"
    assert body["message"] == "Blogs wait, and no worker is alive."
    assert body["runbook"] == "docs/runbook.md#nobody_works"

    factories.WorkerFactory.create()
    look_and_tell()
    look_and_tell()
    assert told(receiver) == [("nobody_works", "firing"), ("nobody_works", "cleared")]
    assert receiver.got[1]["clearedAt"] > receiver.got[1]["firedAt"]

    WorkerProcess.objects.all().delete()
    look_and_tell()
    assert told(receiver)[2:] == [("nobody_works", "firing")]
    assert len({body["id"] for body in receiver.got}) == 3
    assert blog.pk


def test_two_providers_that_are_down_are_two_alerts(receiver: Receiver) -> None:
    for provider in ("openai", "wix"):
        goes_down(provider)
    look_and_tell()
    Breaker.objects.filter(provider="wix").update(opened_at=None)
    look_and_tell()

    found = [(body["subject"], body["status"]) for body in receiver.got]
    assert found == [("openai", "firing"), ("wix", "firing"), ("wix", "cleared")]


def test_many_workers_that_look_at_once_tell_it_once(receiver: Receiver) -> None:
    factories.pending_generation()
    forget_everything()

    for _ in range(5):
        at_once(*[notices.look_and_tell] * 6)

    assert told(receiver) == [("nobody_works", "firing")]
    assert AlertNotice.objects.count() == 1


@pytest.mark.parametrize("status", [500, 404, 307])
def test_what_the_receiver_does_not_take_is_told_again_later_and_not_at_once(receiver: Receiver, status: int) -> None:
    factories.pending_generation()
    receiver.status = status
    look_and_tell()
    look_and_tell()
    assert receiver.paths == [f"/{SECRET}"]  # once, and nowhere else

    receiver.status = 200
    a_while_later()
    look_and_tell()
    assert told(receiver) == [("nobody_works", "firing")]


def test_one_that_was_over_before_it_could_be_told_is_told_with_its_end(receiver: Receiver) -> None:
    factories.pending_generation()
    receiver.status = 503
    look_and_tell()
    factories.WorkerFactory.create()
    look_and_tell()

    receiver.status = 200
    a_while_later()
    look_and_tell()
    assert told(receiver) == [("nobody_works", "firing"), ("nobody_works", "cleared")]


def test_a_receiver_that_is_away_breaks_nothing_and_its_address_is_logged_nowhere(
    receiver: Receiver, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:1/{SECRET}"
    factories.pending_generation()

    with caplog.at_level(logging.DEBUG):
        look_and_tell()

    assert AlertNotice.objects.get().tries == 1
    assert "alert not told" in caplog.text
    assert not [record for record in caplog.records if SECRET in str(vars(record))]
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("url", "debug", "fits"),
    [
        ("https://hooks.slack.com/services/x", False, True),
        ("http://hooks.slack.com/services/x", False, False),
        ("http://hooks.slack.com/services/x", True, False),
        ("http://127.0.0.1:9/x", True, True),
        ("http://127.0.0.1:9/x", False, False),
        ("file:///etc/passwd", True, False),
        ("https://", False, False),
        ("https://[x", False, False),
    ],
)
def test_the_address_must_be_https(receiver: Receiver, settings: Any, url: str, debug: bool, fits: bool) -> None:
    settings.ALERT_WEBHOOK_URL, settings.DEBUG = url, debug

    found = [error.id for error in run_checks() if error.id == "blogs.E016"]
    assert (found == []) is fits
    if not fits:
        factories.pending_generation()
        look_and_tell()
        assert not receiver.paths
        assert AlertNotice.objects.get().told_fired_at is None


def test_slack_gets_a_text_in_which_nothing_is_markup(receiver: Receiver, settings: Any) -> None:
    settings.ALERT_WEBHOOK_FORM = "slack"
    AlertNotice.objects.create(name="slow", severity="warning", message="a <b> & c")

    notices.tell()

    (body,) = receiver.got
    assert body == {"text": ":large_yellow_circle: *slow* (warning): a &lt;b&gt; &amp; c See docs/runbook.md#slow"}


def test_without_an_address_nothing_is_noted(settings: Any) -> None:
    factories.pending_generation()
    settings.ALERT_WEBHOOK_URL = ""

    look_and_tell()

    assert not AlertNotice.objects.exists()


def test_old_notices_go(receiver: Receiver) -> None:
    old = AlertNotice.objects.create(name="slow", severity="warning", message="")
    AlertNotice.objects.filter(pk=old.pk).update(cleared_at=old.fired_at - timedelta(days=31))

    look_and_tell()

    assert not AlertNotice.objects.exists()


@pytest.mark.slow_process
def test_workers_tell_of_alerts(receiver: Receiver, sandbox: Sandbox, settings: Any) -> None:
    goes_down("replicate")
    workers = [Worker(sandbox, ALERT_WEBHOOK_URL=settings.ALERT_WEBHOOK_URL) for _ in range(2)]
    try:
        for worker in workers:
            worker.start("--threads", "1")
        wait_until(lambda: AlertNotice.objects.filter(told_fired_at__isnull=False).exists())
    finally:
        for worker in workers:
            worker.kill()

    # By the default form, which is Slack's.
    message = "Nobody asks replicate but by probes."
    assert receiver.got == [
        {"text": f":red_circle: *provider_down* (critical): {message} See docs/runbook.md#provider_down"}
    ]


class TestCheckAlerts:
    def test_all_is_well(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("check_alerts")

        assert capsys.readouterr().out == "OK: no alert fires.\n"

    @pytest.mark.parametrize(("worker", "provider", "code"), [(False, None, 2), (True, "openai", 2), (True, None, 0)])
    def test_the_exit_code_says_how_bad_it_is(
        self, capsys: pytest.CaptureFixture[str], worker: bool, provider: str | None, code: int
    ) -> None:
        factories.pending_generation()
        if worker:
            factories.WorkerFactory.create()
        if provider:
            goes_down(provider)
        forget_everything()

        assert _exit_code() == code
        assert capsys.readouterr().out.startswith("CRITICAL " if code else "OK")

    def test_warnings_are_1(self, settings: Any) -> None:
        settings.ALERT_QUEUE_WARNING = 0
        factories.pending_generation()
        factories.WorkerFactory.create()
        forget_everything()

        assert _exit_code() == 1

    def test_it_tells_what_no_worker_could(self, receiver: Receiver) -> None:
        factories.pending_generation()
        forget_everything()

        assert _exit_code("--tell") == 2
        assert told(receiver) == [("nobody_works", "firing")]


def _exit_code(*arguments: str) -> int:
    try:
        call_command("check_alerts", *arguments)
    except SystemExit as ended:
        return int(str(ended.code))
    except CommandError as error:
        return error.returncode
    return 0
