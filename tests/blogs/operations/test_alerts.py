"""The queue's trend as alerts read it from real rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from blogs.models import BlogGeneration, SiteLine
from blogs.operations import alerts
from blogs.operations.alerts import Trend
from tests.support import factories
from workers.context.process_memory import forget_everything
from workers.models import RateLimit, RateLimitUsage

pytestmark = pytest.mark.django_db


def asked(blog: BlogGeneration, minutes_ago: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET created_at = clock_timestamp() - %s * interval '1 minute' WHERE id = %s",
            [minutes_ago, blog.pk],
        )


def ended(blog: BlogGeneration, minutes_ago: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blog_generations SET finished_at = clock_timestamp() - %s * interval '1 minute' WHERE id = %s",
            [minutes_ago, blog.pk],
        )


def test_an_empty_queue_stands_still() -> None:
    assert alerts.numbers()[0] == Trend(done=0, failed=0, growth=0)


def test_what_came_and_is_not_done_makes_it_grow() -> None:
    factories.processing_generation()
    factories.pending_generation()
    asked(factories.pending_generation(), 6)

    assert alerts.numbers()[0].growth == 2


def test_what_waits_in_a_paused_line_is_no_growth() -> None:
    paused = factories.pending_generation()
    factories.pending_generation()
    SiteLine.objects.filter(site=paused.site_id).update(paused=True)

    assert alerts.numbers()[0].growth == 1


def test_what_came_and_ended_changes_nothing() -> None:
    factories.done_generation()
    factories.failed_generation()

    assert alerts.numbers()[0] == Trend(done=1, failed=1, growth=0)


def test_what_was_there_and_ended_makes_it_shrink() -> None:
    asked(factories.done_generation(), 6)
    old = factories.failed_generation()
    asked(old, 9)
    ended(old, 6)

    assert alerts.numbers()[0] == Trend(done=1, failed=0, growth=-1)


def test_health_tells_of_a_limit_that_is_full_while_the_queue_grows(client: Client) -> None:
    limit = RateLimit.objects.create(provider="replicate", requests_per_minute=450)
    for ago in (30, 90, 150, 210, 270):
        moment = timezone.now() - timedelta(seconds=ago)
        RateLimitUsage.objects.create(limit=limit, started_at=moment, requests=440)
    factories.WorkerFactory.create()
    forget_everything()
    assert client.get("/health").json()["alerts"] == []

    factories.pending_generation()
    forget_everything()

    (alert,) = client.get("/health").json()["alerts"]
    assert alert == {
        "name": "limit_full",
        "severity": "warning",
        "message": "98% of replicate used for 5 minutes, and the queue grows.",
    }


def test_health_tells_that_nobody_works(client: Client) -> None:
    factories.pending_generation()
    forget_everything()

    body = client.get("/health").json()

    assert body["status"] == "degraded"
    assert [(it["name"], it["severity"]) for it in body["alerts"]] == [("nobody_works", "critical")]
