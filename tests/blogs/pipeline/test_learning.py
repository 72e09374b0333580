"""The providers' answers, over real HTTP, and what the limits' rows make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from blogs.models import Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from wix.models import Site
from workers import limits
from workers.context.process_memory import forget_everything
from workers.models import RateLimit


@pytest.fixture
def provider_limits(sandbox: Sandbox) -> Iterator[Any]:
    """Changes the stand-ins' own limits; afterwards they are as they were."""
    before = sandbox.limits()
    yield sandbox.limits
    sandbox.limits(**before)


def openai() -> dict[str, Any]:
    return limits.snapshot("openai")[0]


def unblocked() -> None:
    RateLimit.objects.update(blocked_until=None)
    forget_everything()


def test_a_halved_limit_is_followed_and_so_is_its_return(
    sandbox: Sandbox, shop: Site, attempt: Attempt, provider_limits: Callable[..., Any]
) -> None:
    provider_limits(openai_requests=225_000, openai_tokens=225_000_000)
    factories.pending_generation(shop)
    assert attempt().status == Status.DONE
    assert (openai()["requests_per_minute"], openai()["tokens_per_minute"]) == (225_000, 225_000_000)

    provider_limits(openai_requests=450_000, openai_tokens=450_000_000)
    factories.pending_generation(shop)
    assert attempt().status == Status.DONE

    assert (openai()["requests_per_minute"], openai()["tokens_per_minute"]) == (450_000, 450_000_000)
    assert openai()["provider_requests_remaining"] > 0


def test_a_refused_call_tells_the_limit_and_stops_everybody_until_its_time(
    sandbox: Sandbox, shop: Site, attempt: Attempt, provider_limits: Callable[..., Any]
) -> None:
    provider_limits(openai_requests=1)  # the idea, and no article
    factories.pending_generation(shop)

    assert attempt().status == Status.PENDING

    seen = openai()
    assert (seen["requests_per_minute"], seen["rejections"], seen["pace_share"]) == (1, 1, 1)
    assert 50 < seen["next_free_in_seconds"] <= 60


@pytest.mark.parametrize("provider", ["openai", "replicate"])
@pytest.mark.parametrize("kind", ["429", "429_no_retry_after"])
def test_a_refusal_lowers_the_pace_of_all_and_the_blog_goes_on(
    sandbox: Sandbox, shop: Site, attempt: Attempt, provider: str, kind: str
) -> None:
    sandbox.fault(provider, kind, {"openai": "idea", "replicate": "create"}[provider], seconds=30)
    factories.pending_generation(shop)

    assert attempt().status == Status.PENDING

    (seen,) = limits.snapshot(provider)
    assert seen["pace_share"] == pytest.approx(0.8)
    assert 25 < seen["next_free_in_seconds"] <= 30
    unblocked()
    assert attempt().status == Status.DONE


def test_after_slow_down_the_pace_comes_back_in_minutes(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "slow_down", "idea")
    factories.pending_generation(shop)

    attempt()

    limit = RateLimit.objects.get(provider="openai")
    assert limit.lowered_to == pytest.approx(0.8)
    assert limit.full_pace_at
    assert limit.lowered_at
    assert (limit.full_pace_at - limit.lowered_at).total_seconds() == pytest.approx(495, abs=1)


def test_a_site_that_wix_slows_down_slows_no_other(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "429", "products_query")
    factories.pending_generation(shop)

    attempt()

    assert set(RateLimit.objects.filter(lowered_to__lt=1).values_list("provider", "key")) == {
        ("wix", str(shop.instance_id))
    }


def test_what_replicate_says_is_left_is_seen_by_staff(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    factories.pending_generation(shop)

    attempt()

    (limit,) = Client().get("/api/replicate-rate-limiter/stats").json()["limits"]
    assert limit["providerSays"]["requestsRemaining"] > 0
    assert limit["providerSays"]["requestsPerMinute"] is None
