from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem

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
