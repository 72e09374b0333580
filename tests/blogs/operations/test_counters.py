"""A worker process's counts are on /metrics while it works, and stay when it has ended."""

from __future__ import annotations

import re
import signal
from uuid import UUID

import pytest
from django.test import Client

from blogs.models import BlogGeneration, Status
from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import Worker, submit_blogs
from tests.support.database import database_url
from tests.support.threads import wait_until
from tests.support.web_server import exchange, request, served
from wix.models import Site
from workers.database.process_counts import ENDED
from workers.models import ProcessCounts

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]


def counted(client: Client, name: str) -> float:
    found = re.findall(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").content.decode(), re.MULTILINE)
    return float(found[0]) if found else 0.0


def counted_by(name: str) -> list[UUID]:
    """Return the processes that have counted it. The suite's process of live events has a row, too, and goes on."""
    return [row.process for row in ProcessCounts.objects.all() if any(name in series for series in row.counts)]


def test_what_a_worker_has_done_is_counted_and_stays_counted(sandbox: Sandbox, shop: Site, client: Client) -> None:
    submit_blogs(shop, 3)
    worker = Worker(sandbox)
    worker.start("--threads", "3")
    try:
        wait_until(lambda: counted(client, 'blogs_events_total{code="",event="done"}') == 3)
        assert counted(client, 'blogs_stage_seconds_count{outcome="ok",stage="article"}') == 3
        assert counted(client, 'provider_call_seconds_count{operation="blog_article",provider="openai"}') == 3
        assert counted(client, 'provider_calls_total{operation="blog_article",outcome="ok",provider="openai"}') == 3
        assert counted(client, 'provider_tokens_total{call="article:medium",tokens="output"}') > 1_000
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
    finally:
        worker.kill()

    assert counted_by("stage seconds") == [ENDED]
    assert counted(client, 'blogs_events_total{code="",event="done"}') == 3


def test_what_a_killed_worker_had_written_stays_counted(sandbox: Sandbox, shop: Site, client: Client) -> None:
    submit_blogs(shop, 2)
    worker = Worker(sandbox)
    worker.start("--threads", "2")
    try:
        wait_until(lambda: counted(client, 'blogs_events_total{code="",event="done"}') == 2)
    finally:
        worker.kill()

    assert counted(client, 'blogs_events_total{code="",event="done"}') == 2
    assert BlogGeneration.objects.filter(status=Status.DONE).count() == 2


def test_what_a_web_process_has_answered_is_counted_and_stays_counted(client: Client) -> None:
    with served(DATABASE_URL=database_url(), WEB_PROCESSES="2") as port:
        for _ in range(5):
            assert exchange(port, request("GET", "/health/live", Connection="close"))[0] == 200

    # The first was asked by `served`, to see that it serves.
    assert counted(client, 'http_requests_total{method="GET",route="health-live",status="200"}') == 6
    assert counted(client, 'http_request_seconds_count{route="health-live"}') == 6
    assert counted_by("health-live") == [ENDED]
