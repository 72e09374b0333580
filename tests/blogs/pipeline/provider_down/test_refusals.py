"""Refusals of OpenAI, and of servers that speak its language, over real HTTP: who pays for them, and who hears of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from blogs.models import Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.outages import Run, is_open
from tests.support.blogs.pipeline import free_and_balance, warnings
from wix.models import Site
from workers.models import Breaker, BreakerFailure


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("billing_not_active", "provider_quota"),
        ("hard_limit", "provider_quota"),
        ("402", "provider_quota"),
        ("gateway_quota", "provider_quota"),
        ("gateway_budget", "provider_quota"),
        ("deactivated", "provider_refused_key"),
        ("access_terminated", "provider_refused_key"),
        ("no_json_schema", "provider_misconfigured"),
        ("no_max_completion_tokens", "provider_misconfigured"),
        ("unknown_model", "provider_misconfigured"),
        ("no_deployment", "provider_misconfigured"),
        ("redirect", "provider_misconfigured"),
    ],
)
def test_what_every_call_gets_costs_no_attempt_and_opens_the_breaker_at_once(
    sandbox: Sandbox, shops: list[Site], run: Run, kind: str, code: str
) -> None:
    sandbox.fault("openai", kind, times=None)

    blog = run(factories.pending_generation(shops[0]))

    assert (blog.status, blog.attempts, blog.waits_for) == (Status.PENDING, 0, "openai")
    breaker = Breaker.objects.get(provider="openai")
    assert breaker.opened_at is not None
    assert breaker.code == code
    assert kind == "redirect" or "It says: " in breaker.reason


@pytest.mark.parametrize(
    "kind",
    ["content_filter_400", "content_policy_400", "invalid_prompt", "gateway_content", "gateway_refusal", "refusal"],
)
def test_where_only_refused_topics_run_the_breaker_stays_shut(
    sandbox: Sandbox, shops: list[Site], run: Run, kind: str
) -> None:
    sandbox.fault("openai", kind, times=None)

    failed = [run(factories.pending_generation(shop)) for shop in shops]

    assert {(blog.status, blog.error_code) for blog in failed} == {(Status.FAILED, "content_refused")}
    assert not is_open("openai")
    assert free_and_balance(shops[0]) == (1_000, 1_000)


def test_an_odd_refusal_of_one_blog_is_its_own_once_another_gets_through(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("openai", "odd_400", match="odd topic", times=None)
    odd = run(factories.pending_generation(shops[0], source_id="an odd topic"))
    assert (odd.status, odd.attempts) == (Status.PENDING, 0)
    assert run(factories.pending_generation(shops[1])).status == Status.DONE

    failed = run(odd)

    assert (failed.status, failed.error_code) == (Status.FAILED, "provider_rejected")
    assert "The upstream said no" in failed.error_message
    assert not is_open("openai")
    assert free_and_balance(shops[0]) == (1_000, 1_000)


def test_an_odd_refusal_of_a_blog_that_is_alone_is_its_own_after_a_while(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    sandbox.fault("openai", "odd_400", times=None)
    blog = run(factories.pending_generation(shops[0]))
    BreakerFailure.objects.update(at=F("at") - timedelta(seconds=settings.BREAKER_WINDOW_SECONDS))

    failed = run(blog)

    assert (failed.status, failed.error_code) == (Status.FAILED, "provider_rejected")
    assert not is_open("openai")


def test_the_same_odd_refusal_of_two_sites_is_a_matter_of_our_settings(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("openai", "odd_400", times=None)

    blogs = [run(factories.pending_generation(shop)) for shop in shops[:2]]

    assert [(blog.status, blog.attempts) for blog in blogs] == [(Status.PENDING, 0)] * 2
    breaker = Breaker.objects.get(provider="openai")
    assert (breaker.opened_at is not None, breaker.code) == (True, "provider_misconfigured")
    assert "The upstream said no" in breaker.reason


def test_odd_refusals_that_are_not_the_same_open_nothing(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    for kind, shop in (("odd_400", shops[0]), ("odder_400", shops[1])):
        sandbox.fault("openai", kind)
        run(factories.pending_generation(shop))

    assert not is_open("openai")


@pytest.mark.parametrize("kind", ["not_found", "version_gone", "redirect"])
def test_a_picture_model_that_is_gone_is_everybodys_affair(
    sandbox: Sandbox, shops: list[Site], run: Run, kind: str
) -> None:
    sandbox.fault("replicate", kind, "create", times=None)

    blog = run(factories.pending_generation(shops[0]))

    assert (blog.status, blog.attempts, blog.waits_for) == (Status.PENDING, 0, "replicate")
    assert Breaker.objects.get(provider="replicate").code == "provider_misconfigured"


def test_a_redirect_of_wix_is_no_blogs_fault(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("wix", "redirect", "products_query", times=None)

    blogs = [run(factories.pending_generation(shop)) for shop in shops[:2]]

    assert [(blog.status, blog.attempts) for blog in blogs] == [(Status.PENDING, 0)] * 2
    assert Breaker.objects.get(provider="wix").code == "provider_misconfigured"


def test_an_order_that_one_site_alone_is_refused_costs_it_its_picture_only(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("replicate", "invalid_input", "create", times=2)
    blog = run(factories.pending_generation(shops[0]))
    assert (blog.status, blog.attempts) == (Status.PENDING, 0)
    # A look at another picture would do as well.
    BreakerFailure.objects.update(own=True)

    done = run(blog)

    assert (done.status, warnings(done)) == (Status.DONE, ["image_failed"])
    assert not is_open("replicate")
