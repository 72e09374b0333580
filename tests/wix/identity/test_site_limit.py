from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem
from wix.identity import api_keys, site_limits

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_a_minute(settings: Any) -> Any:
    settings.SITE_REQUESTS_PER_MINUTE = 2
    # The minute of a site may end between two requests, else.
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def test_one_request_too_many_is_told_when_to_come_back_and_changes_nothing(api: Any) -> None:
    client = api(factories.site())
    assert [client.post().status_code for _ in range(2)] == [201, 201]

    response = client.post()

    body = problem(response, 429, "throttled")
    assert body["retryable"] is True
    assert 1 <= int(response["Retry-After"]) <= 60
    assert BlogGeneration.objects.count() == 2


def test_all_of_a_sites_requests_count_together(api: Any) -> None:
    client = api(factories.site())
    client.get("/api/credits")
    client.get("/api/blog-generation")

    problem(client.post(), 429, "throttled")


def test_one_sites_requests_do_not_count_for_another(api: Any) -> None:
    greedy, modest = api(factories.site()), api(factories.site())
    for _ in range(3):
        greedy.post()

    assert modest.post().status_code == 201


def test_the_next_minute_is_free_again(api: Any) -> None:
    client = api(factories.site())
    for _ in range(2):
        client.post()
    refused = client.post()

    with time_machine.travel(datetime.now(UTC).timestamp() + int(refused["Retry-After"]), tick=False):
        assert client.post().status_code == 201


def test_health_and_stats_have_no_limit(client: Any) -> None:
    for path in ("/health", "/api/rate-limiter/stats", "/api/replicate-rate-limiter/stats"):
        assert [client.get(path).status_code for _ in range(4)] == [200] * 4


def test_every_answer_says_what_a_site_may_send_and_what_is_left(api: Any, client: Any, settings: Any) -> None:
    settings.SITE_REQUESTS_AT_ONCE = 8
    known = api(factories.site())
    answers = [known.post(), known.post({"sourceType": "keyword"}), known.post()]

    assert [answer.status_code for answer in answers] == [201, 400, 429]
    policy = '"requests";q=2;w=60, "at-once";q=8;qu="concurrent-requests"'
    assert {answer["RateLimit-Policy"] for answer in answers} == {policy}
    left = [answer["RateLimit"].split(";")[:2] for answer in answers]
    assert left == [['"requests"', f"r={number}"] for number in (1, 0, 0)]
    assert answers[2]["RateLimit"].endswith(f"t={answers[2]['Retry-After']}")

    stranger = client.get("/api/credits")
    assert (stranger.status_code, stranger["RateLimit-Policy"], "RateLimit" in stranger) == (401, policy, False)
    assert "RateLimit-Policy" not in client.get("/health/live")


def test_a_full_queue_is_told_with_the_fields_too(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 0

    refused = api(factories.site()).post()

    assert (refused.status_code, refused["RateLimit"].split(";")[1]) == (503, "r=1")
    assert "RateLimit-Policy" in refused


def test_who_asks_and_how_often_is_one_statement(api: Any, settings: Any) -> None:
    settings.SITE_REQUESTS_PER_MINUTE = 100
    client = api(factories.site())
    client.get("/api/blog-generation/1")

    with CaptureQueriesContext(connection) as asked:
        client.get("/api/blog-generation/1")

    told = [each["sql"] for each in asked if "PREPARE" not in each["sql"] and "EXPLAIN" not in each["sql"]]
    assert [sql for sql in told if "wix_site" in sql or "EXECUTE site" in sql] == told[:1]
    assert not [sql for sql in told if "workers_counter" in sql or "wix_subscription" in sql]


def test_a_refused_credential_takes_no_more_of_its_sites_share(api: Any, client: Any, settings: Any) -> None:
    settings.SITE_REQUESTS_PER_MINUTE = 100
    site = factories.site()
    key, secret = api_keys.issue(site, "lost")
    header = f"Bearer {secret}"
    assert client.get("/api/credits", headers={"Authorization": header}).status_code == 200
    assert site_limits.site_of(header.encode()) == site.pk

    api_keys.revoke(key)
    refused = client.get("/api/credits", headers={"Authorization": header})

    assert (refused.status_code, site_limits.site_of(header.encode())) == (401, None)
