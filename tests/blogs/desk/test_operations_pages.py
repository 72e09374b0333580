from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from blogs.queue import admission
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import WorkerFactory, failed_generation, pending_generation, processing_generation
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db

LIMITS = "/admin/workers/ratelimit/"


def used_limit(requests: int, *, seconds_ago: float = 10, **fields: object) -> RateLimit:
    numbers = {"provider": "openai", "requests_per_minute": 450, "tokens_per_minute": 450_000, **fields}
    limit = RateLimit.objects.create(**numbers)
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    RateLimitUsage.objects.create(limit=limit, started_at=moment, requests=requests, tokens=requests * 500)
    return limit


def test_a_limit_shows_what_the_last_minute_used(desk: Client) -> None:
    limit = used_limit(180)
    RateLimitUsage.objects.create(limit=limit, started_at=timezone.now() - timedelta(seconds=90), requests=400)

    page = visible(text_of(desk, LIMITS))

    assert "40 % 180 of 450, 270 left" in page
    assert "20 % 90,000 of 450,000, 360,000 left" in page


def test_a_limit_that_the_provider_names_otherwise_is_marked(desk: Client) -> None:
    said = {
        "provider_requests_per_minute": 450,
        "provider_requests_remaining": 12,
        "provider_tokens_per_minute": 30_000,
    }
    used_limit(1, **said)

    page = visible(text_of(desk, LIMITS))

    assert "450 (12 left)" in page
    assert "differs 30,000" in page
    assert "differs 450" not in page


def test_a_blocked_limit_says_until_when(desk: Client) -> None:
    used_limit(1, blocked_until=timezone.now() + timedelta(hours=3), rejections=7)

    assert re.search(r" 3 h .+ 7 ", visible(text_of(desk, LIMITS)))


def test_shared_limits_come_first_and_sites_own_can_be_left_out(desk: Client) -> None:
    own = used_limit(1, provider="wix", key="a-site", tokens_per_minute=None)
    shared = used_limit(1)

    def listed(**query: str) -> list[int]:
        return [limit.pk for limit in desk.get(LIMITS, query).context["cl"].result_list]

    assert listed() == [shared.pk, own.pk]
    assert listed(whose="shared") == [shared.pk]
    assert listed(whose="site") == [own.pk]
    assert listed(q="a-site") == [own.pk]


def test_a_worker_without_a_heartbeat_is_shown_as_lost(desk: Client) -> None:
    WorkerFactory.create(name="alive:1", waiting={"openai": 3})
    WorkerFactory.create(name="dead:2", heartbeat_at=timezone.now() - timedelta(minutes=10))

    page = visible(text_of(desk, "/admin/workers/workerprocess/"))

    assert "alive:1 alive 0 s ago" in page
    assert "openai: 3" in page
    assert "dead:2 lost 10 min ago" in page


def test_the_first_page_shows_queue_workers_and_limits(desk: Client) -> None:
    failed_generation()
    processing_generation(worker=WorkerFactory.create(name="x", threads=50, in_flight=1))
    pending_generation()
    used_limit(45)
    admission.forget_count()

    page = visible(text_of(desk, "/admin/"))

    for expected in (
        "1 ready, of 10,000",
        "1 processing",
        "1 failed, last minute",
        "10% of openai requests",
        "seats taken",
    ):
        assert expected in page


def test_the_first_page_warns_when_blogs_wait_and_nobody_works(desk: Client) -> None:
    pending_generation()
    admission.forget_count()

    assert "blogs wait, nobody works" in text_of(desk, "/admin/")


def test_an_apps_own_page_leaves_the_service_out(desk: Client) -> None:
    assert "oldest waiting" in text_of(desk, "/admin/")
    assert "oldest waiting" not in text_of(desk, "/admin/blogs/")
