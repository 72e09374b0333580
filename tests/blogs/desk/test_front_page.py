from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from blogs.models import BlogGeneration
from blogs.queue import lifecycle
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import WorkerFactory, failed_generation, pending_generation, processing_generation, site
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
        "1 ready, in line",
        "1 processing",
        "1 failed, last minute",
        "10% of openai requests",
        "seats taken",
    ):
        assert expected in page


def test_the_first_page_warns_when_blogs_wait_and_no_worker_is_alive(desk: Client) -> None:
    pending_generation()
    forget_everything()

    assert "blogs wait, no worker is alive" in text_of(desk, "/admin/")


def test_an_apps_own_page_leaves_the_service_out(desk: Client) -> None:
    assert "ready, in line" in text_of(desk, "/admin/")
    assert "ready, in line" not in text_of(desk, "/admin/blogs/")


def test_failures_are_grouped_and_lead_to_exactly_those_blogs(desk: Client) -> None:
    failed, other = failed_generation(), failed_generation()
    lifecycle.requeue(other.pk, by="staff:ada")

    page = text_of(desk, "/admin/")

    found = re.search(r'href="([^"]+ended=hour)">(\w+)</a></td>\s*<td class="number">(\d+)</td>', page)
    assert found
    assert (found[2], found[3]) == (BlogGeneration.objects.get(pk=failed.pk).error_code, "1")
    listed = desk.get(html.unescape(found[1])).context["cl"].result_list
    assert [blog.pk for blog in listed] == [failed.pk]


def test_the_largest_shops_are_named_with_their_share(desk: Client) -> None:
    large, small = site(name="Large"), site(name="Small")
    for _ in range(3):
        pending_generation(large)
    pending_generation(small)

    page = visible(text_of(desk, "/admin/"))

    assert "Large 3 75 %" in page
    assert "Small 1 25 %" in page
