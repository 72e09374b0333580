from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import WorkerFactory, failed_generation, pending_generation, processing_generation
from workers.context.process_memory import forget_everything
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db


def test_the_first_page_shows_queue_workers_and_limits(desk: Client) -> None:
    failed_generation()
    processing_generation(worker=WorkerFactory.create(name="x", threads=50, in_flight=1))
    pending_generation()
    limit = RateLimit.objects.create(provider="openai", requests_per_minute=450, tokens_per_minute=450_000)
    RateLimitUsage.objects.create(
        limit=limit, started_at=timezone.now() - timedelta(seconds=10), requests=45, tokens=22_500
    )
    forget_everything()

    page = visible(text_of(desk, "/admin/"))

    for expected in (
        "1 ready, of 10,000",
        "1 processing",
        "1 failed, last minute",
        "10% of openai requests",
        "seats taken",
    ):
        assert expected in page


def test_the_first_page_warns_when_blogs_wait_and_no_worker_is_alive(desk: Client) -> None:
    pending_generation()
    forget_everything()

    assert "blogs wait, nobody works" in text_of(desk, "/admin/")


def test_an_apps_own_page_leaves_the_service_out(desk: Client) -> None:
    assert "oldest waiting" in text_of(desk, "/admin/")
    assert "oldest waiting" not in text_of(desk, "/admin/blogs/")
