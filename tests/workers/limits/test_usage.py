from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from workers.limits import limit_rows, statements, usage
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db


def limit(**fields: Any) -> RateLimit:
    numbers = {"provider": "openai", "requests_per_minute": 450, "tokens_per_minute": 450_000, **fields}
    return RateLimit.objects.create(**numbers)


def used(of: RateLimit, seconds_ago: float, **amounts: int) -> None:
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    RateLimitUsage.objects.create(limit=of, started_at=moment, **amounts)


def test_an_hour_has_sixty_minutes_and_ends_now() -> None:
    openai = limit()
    used(openai, 3, requests=1, tokens=10)
    used(openai, 50, requests=2, tokens=20, tokens_used=7, rejections=1)
    used(openai, 130, requests=4)
    used(openai, 59.5 * 60, requests=8)

    minutes = usage.last_hour([openai.pk])[openai.pk]

    assert [minute.ago for minute in minutes] == list(reversed(range(60)))
    assert minutes[-1] == usage.Minute(0, requests=3, tokens=30, tokens_used=7, rejections=1)
    assert (minutes[-2].requests, minutes[-3].requests, minutes[0].requests) == (0, 4, 8)


def test_what_is_older_or_still_to_come_or_of_another_limit_is_left_out() -> None:
    openai, quiet = limit(), limit(model="quiet")
    used(openai, 3_605, requests=1)
    used(openai, -1.5, requests=1)
    used(openai, 10, requests=1)

    hours = usage.last_hour([openai.pk, quiet.pk])

    assert sum(minute.requests for minute in hours[openai.pk]) == 1
    assert hours[quiet.pk] == [usage.Minute(ago) for ago in reversed(range(60))]


def test_a_share_is_of_the_limit_that_is_nearer() -> None:
    openai, replicate = limit(), limit(provider="replicate", tokens_per_minute=None)
    used(openai, 10, requests=45, tokens=900_000)
    used(openai, 299, requests=1)
    used(openai, 301, tokens=900_000)
    used(replicate, 10, requests=450)
    used(limit(provider="wix", key="a-site"), 10, requests=450)

    shares = usage.shares(300)

    assert [(str(it), round(it.share, 2)) for it in shares] == [("openai", 0.4), ("replicate", 0.2)]


def test_an_unused_limit_has_no_share() -> None:
    limit()

    assert [it.share for it in usage.shares(300)] == [0]


def test_the_hour_is_found_by_the_index_of_limit_and_start() -> None:
    """Of many limits: each site has one of its own."""
    sites = [limit(provider="wix", key=str(number)).pk for number in range(50)]
    openai = limit()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workers_ratelimitusage (limit_id, started_at, requests, tokens, tokens_used, rejections)"
            " SELECT id, now() - n * interval '5 seconds', 1, 1, 1, 0 FROM generate_series(1, 800) AS n, unnest(%s) AS id",
            [[*sites, openai.pk]],
        )
        cursor.execute("ANALYZE workers_ratelimitusage, workers_ratelimit")
        for sql, parameters in (
            (usage._LAST_HOUR, {"limits": [openai.pk]}),
            (statements.SHARES, {"seconds": 300, "providers": ["openai"], **limit_rows.following()}),
        ):
            cursor.execute("EXPLAIN " + sql, parameters)
            steps = "\n".join(line for (line,) in cursor.fetchall())

            assert "rate_limit_usage_unique" in steps, steps
            assert "Seq Scan on workers_ratelimitusage" not in steps
