from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.support import factories
from workers import limits
from workers.errors import TooFast
from workers.limits import Limit, Named, limit_rows

pytestmark = pytest.mark.django_db

OPENAI, REPLICATE = "/api/rate-limiter/stats", "/api/replicate-rate-limiter/stats"


def _limits(client: Client, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200
    limits: list[dict[str, Any]] = response.json()["limits"]
    return limits


@pytest.mark.parametrize(("path", "provider"), [(OPENAI, "openai"), (REPLICATE, "replicate")])
def test_before_the_first_call_the_configured_limit_is_shown(client: Client, path: str, provider: str) -> None:
    body = client.get(path).json()

    assert (body["provider"], body["windowSeconds"]) == (provider, 60)
    (limit,) = body["limits"]
    assert limit["requests"] == {"limit": 450, "usedLast60Seconds": 0, "remaining": 450}
    assert (limit["nextFreeInSeconds"], limit["waiting"], limit["blockedUntil"], limit["rejections"]) == (0, 0, None, 0)


def test_tokens_are_shown_where_they_are_limited(client: Client) -> None:
    (openai,), (replicate,) = _limits(client, OPENAI), _limits(client, REPLICATE)

    assert openai["tokens"] == {
        "limit": 450_000,
        "usedLast60Seconds": 0,
        "remaining": 450_000,
        "usedByAnswersLast60Seconds": 0,
    }
    assert "tokens" not in replicate


def test_calls_are_counted_by_model(client: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "openai": {"requests": 600_000, "tokens": 600_000_000}}
    reservation = limits.acquire(Limit("openai", model="gpt-4.1-mini"), tokens=3_000)
    limits.acquire(Limit("openai", model="gpt-4.1-mini"), tokens=1_000)
    limits.settle(reservation, 2_200)
    limits.acquire(Limit("openai", model="gpt-5"), tokens=10)

    mini, five = _limits(client, OPENAI)

    assert (mini["model"], five["model"]) == ("gpt-4.1-mini", "gpt-5")
    assert mini["requests"] == {"limit": 600_000, "usedLast60Seconds": 2, "remaining": 599_998}
    assert mini["tokens"]["usedLast60Seconds"] == 4_000
    assert mini["tokens"]["usedByAnswersLast60Seconds"] == 2_200
    assert five["requests"]["usedLast60Seconds"] == 1


def test_what_was_used_more_than_a_minute_ago_is_over(client: Client, settings: Any) -> None:
    limits.acquire(Limit("replicate"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workers_ratelimitusage SET started_at = started_at - interval '70 seconds'")

    (limit,) = _limits(client, REPLICATE)

    assert limit["requests"] == {"limit": 450, "usedLast60Seconds": 0, "remaining": 450}


def test_a_rejection_and_the_end_of_its_block_are_shown(client: Client) -> None:
    limits.block(Limit("replicate"), 30)

    (limit,) = _limits(client, REPLICATE)

    assert limit["rejections"] == 1
    assert limit["blockedUntil"] is not None
    assert limit["lastRejectionAt"] is not None
    assert 25 < limit["nextFreeInSeconds"] <= 30


def test_a_block_that_is_over_is_not_shown(client: Client) -> None:
    limits.block(Limit("replicate"), 0)

    (limit,) = _limits(client, REPLICATE)

    assert (limit["blockedUntil"], limit["rejections"]) == (None, 1)


def test_what_the_provider_names_is_shown_and_marked_where_it_differs(client: Client) -> None:
    limit = Limit("openai", model="gpt-5")
    limits.register(limit)
    (unsaid,) = _limits(client, OPENAI)
    limit_rows.learn(limit, Named(450, 30_000, 449, 29_000), age=0)

    (said,) = _limits(client, OPENAI)

    assert unsaid["providerSays"] is None
    shown = said["providerSays"]
    assert (shown["requestsPerMinute"], shown["requestsRemaining"]) == (450, 449)
    assert (shown["tokensPerMinute"], shown["tokensRemaining"]) == (30_000, 29_000)
    assert shown["differsFromConfigured"] is True
    assert (said["requests"]["limit"], said["tokens"]["limit"]) == (450, 30_000)
    limit_rows.learn(limit, Named(450, 450_000), age=-1)
    assert _limits(client, OPENAI)[0]["providerSays"]["differsFromConfigured"] is False


def test_a_lowered_pace_is_shown(client: Client) -> None:
    limits.block(Limit("replicate"), 30, TooFast.RATE)

    assert _limits(client, REPLICATE)[0]["paceShare"] == 0.8


def test_threads_that_wait_are_counted_over_all_workers(client: Client) -> None:
    factories.WorkerFactory.create(waiting={"openai:gpt-4.1-mini": 4, "wix:x": 9})
    factories.WorkerFactory.create(waiting={"openai:gpt-4.1-mini": 3, "replicate": 1})

    (openai,), (replicate,) = _limits(client, OPENAI), _limits(client, REPLICATE)

    assert (openai["waiting"], replicate["waiting"]) == (7, 1)


def test_a_sites_own_limit_is_not_shown(client: Client) -> None:
    limits.acquire(Limit("wix", key="some-instance"))

    for path in (OPENAI, REPLICATE):
        assert "some-instance" not in client.get(path).content.decode()


@pytest.mark.parametrize("path", [OPENAI, REPLICATE])
def test_stats_need_no_slash_are_never_cached_and_only_read(client: Client, path: str) -> None:
    assert client.get(f"{path}/").status_code == 200
    assert "no-store" in client.get(path)["Cache-Control"]
    assert client.post(path).status_code == 405
