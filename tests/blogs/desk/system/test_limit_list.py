"""The list of limits: what the last minute used, what the provider says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.blogs.desk_pages import text_of, visible
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db

LIST = "/admin/workers/ratelimit/"


def used_limit(requests: int, *, seconds_ago: float = 10, **fields: object) -> RateLimit:
    numbers = {"provider": "openai", "requests_per_minute": 450, "tokens_per_minute": 450_000, **fields}
    limit = RateLimit.objects.create(**numbers)
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    RateLimitUsage.objects.create(limit=limit, started_at=moment, requests=requests, tokens=requests * 500)
    return limit


def test_a_limit_shows_what_the_last_minute_used(desk: Client) -> None:
    limit = used_limit(180)
    RateLimitUsage.objects.create(limit=limit, started_at=timezone.now() - timedelta(seconds=90), requests=400)

    page = visible(text_of(desk, LIST))

    assert "40 % 180 of 450, 270 left" in page
    assert "20 % 90,000 of 450,000, 360,000 left" in page


def test_a_limit_that_the_provider_names_otherwise_is_marked(desk: Client) -> None:
    said = {
        "provider_requests_per_minute": 450,
        "provider_requests_remaining": 12,
        "provider_tokens_per_minute": 30_000,
    }
    used_limit(1, **said)

    page = visible(text_of(desk, LIST))

    assert "450 (12 left)" in page
    assert "differs 30,000" in page
    assert "differs 450" not in page


def test_a_blocked_limit_says_until_when(desk: Client) -> None:
    used_limit(1, blocked_until=timezone.now() + timedelta(hours=3), rejections=7)

    assert re.search(r" 3 h .+ 7 ", visible(text_of(desk, LIST)))


def test_shared_limits_come_first_and_sites_own_can_be_left_out(desk: Client) -> None:
    own = used_limit(1, provider="wix", key="a-site", tokens_per_minute=None)
    shared = used_limit(1)

    def listed(**query: str) -> list[int]:
        return [limit.pk for limit in desk.get(LIST, query).context["cl"].result_list]

    assert listed() == [shared.pk, own.pk]
    assert listed(whose="shared") == [shared.pk]
    assert listed(whose="site") == [own.pk]
    assert listed(q="a-site") == [own.pk]
