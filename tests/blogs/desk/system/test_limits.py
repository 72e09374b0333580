"""A limit's own page: what it allows and what its last hour was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import site
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db

LIST = "/admin/workers/ratelimit/"


def limit(**fields: Any) -> RateLimit:
    numbers = {"provider": "openai", "requests_per_minute": 450, "tokens_per_minute": 450_000, **fields}
    return RateLimit.objects.create(**numbers)


def used(of: RateLimit, minutes_ago: float, **amounts: int) -> None:
    moment = timezone.now() - timedelta(minutes=minutes_ago)
    RateLimitUsage.objects.create(limit=of, started_at=moment, **amounts)


def page_of(desk: Client, of: RateLimit) -> str:
    return text_of(desk, f"{LIST}{of.pk}/change/")


def test_the_last_hour_is_drawn_and_said_and_listed(desk: Client) -> None:
    openai = limit()
    used(openai, 0.1, requests=120, tokens=90_000, tokens_used=70_000)
    used(openai, 20, requests=430, tokens=300_000, tokens_used=200_000, rejections=3)
    used(openai, 61, requests=999)

    page = page_of(desk, openai)

    assert page.count('<figure class="chart"') == 2
    assert page.count('class="over"') == 120
    assert page.count('<rect class="mark"') == 2  # the same minute, in both
    assert "Requests a minute in the last hour: 9 on average, 430 at most, of 450 allowed; 3 rejected" in page
    assert "430 requests of 450, 3 rejected" in page
    assert "300,000 tokens reserved of 450,000, 200,000 tokens used, as answers said, 3 rejected" in page
    assert "999" not in visible(page)
    assert "300,000 200,000 3" in visible(page)


def test_a_large_limit_is_written_out_whole(desk: Client) -> None:
    page = visible(page_of(desk, limit(tokens_per_minute=2_700_000)))

    assert "Allowed now: 2,700,000" in page
    assert "3,000,000" in page


def test_a_limit_without_tokens_has_one_chart(desk: Client) -> None:
    replicate = limit(provider="replicate", tokens_per_minute=None)
    used(replicate, 1, requests=7)

    page = page_of(desk, replicate)

    assert page.count('<figure class="chart"') == 1
    assert "Tokens reserved" not in page
    assert "None" not in visible(page)


def test_a_limit_is_read_and_not_changed(desk: Client) -> None:
    openai = limit()

    assert '<input type="submit"' not in page_of(desk, openai)
    assert desk.post(f"{LIST}{openai.pk}/change/", {"requests_per_minute": 9}).status_code == 403


def test_the_list_draws_shared_limits_only(desk: Client) -> None:
    openai = limit()
    used(openai, 3, requests=45, tokens=225_000)
    limit(provider="wix", key="a-site", tokens_per_minute=None)

    page = text_of(desk, LIST)

    assert page.count('class="spark"') == 1
    assert "At most 50% in a minute" in page


def test_a_shops_own_limit_names_the_shop_in_list_page_and_search(desk: Client) -> None:
    harbour, other = site(name="Harbour Coffee"), site(name="Mill")
    own = limit(provider="wix", key=str(harbour.instance_id), tokens_per_minute=None)
    limit(provider="wix", key=str(other.instance_id), tokens_per_minute=None)

    page, listed = page_of(desk, own), desk.get(LIST, {"q": "harb"})

    assert visible(page).count("wix of Harbour Coffee") == 3  # the tab, where it stands, and its heading
    assert str(harbour.instance_id) not in visible(page)
    assert [found.pk for found in listed.context["cl"].result_list] == [own.pk]
    assert "wix of Harbour Coffee" in listed.content.decode()


def test_staff_need_the_permission_to_look(desk_with: Callable[..., Client]) -> None:
    openai = limit()

    assert desk_with().get(f"{LIST}{openai.pk}/change/").status_code == 403
