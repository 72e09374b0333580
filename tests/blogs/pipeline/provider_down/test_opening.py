"""What opens a provider's breaker, and what does not."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from blogs.models import Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.outages import Run, is_open, open_openai, probe_is_due
from tests.support.blogs.pipeline import free_and_balance
from wix.models import Site
from workers.models import Breaker, BreakerFailure


def test_it_opens_at_the_failures_of_several_sites_once_and_costs_no_blog_an_attempt(
    sandbox: Sandbox, shops: list[Site], run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        blogs = open_openai(sandbox, shops, run)

    assert [(blog.status, blog.attempts, blog.stage) for blog in blogs] == [(Status.PENDING, 0, "idea")] * 3
    assert Breaker.objects.get(provider="openai").code == "provider_unavailable"
    assert len([said for said in caplog.records if said.message == "provider down"]) == 1


def test_failures_of_one_site_alone_open_nothing(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("openai", "500", times=None)

    for _ in range(4):
        run(factories.pending_generation(shops[0]))

    assert not is_open("openai")


def test_failures_of_longer_ago_open_nothing(sandbox: Sandbox, shops: list[Site], run: Run, settings: Any) -> None:
    sandbox.fault("openai", "500", times=None)
    for shop in shops[:2]:
        run(factories.pending_generation(shop))
    BreakerFailure.objects.update(at=F("at") - timedelta(seconds=settings.BREAKER_WINDOW_SECONDS))

    run(factories.pending_generation(shops[2]))

    assert not is_open("openai")


def test_a_success_in_between_makes_the_failures_before_count_no_more(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    sandbox.fault("openai", "500", times=2)
    for shop in shops[:2]:
        run(factories.pending_generation(shop))
    assert run(factories.pending_generation(shops[2])).status == Status.DONE

    sandbox.fault("openai", "500", times=1)
    run(factories.pending_generation(shops[3]))

    assert not is_open("openai")


@pytest.mark.parametrize("kind", ["insufficient_quota", "401", "not_found"])
def test_a_refused_key_or_quota_opens_it_at_once(sandbox: Sandbox, shops: list[Site], run: Run, kind: str) -> None:
    sandbox.fault("openai", kind, times=None)

    put_off = run(factories.pending_generation(shops[0]))

    assert (put_off.status, put_off.attempts, put_off.waits_for) == (Status.PENDING, 0, "openai")
    assert is_open("openai")
    assert "operator" in Breaker.objects.get(provider="openai").reason
    assert "operator" not in last_event(put_off).message


def test_replicates_402_opens_it_at_once(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("replicate", "insufficient_quota", "create", times=None)

    assert run(factories.pending_generation(shops[0])).waits_for == "replicate"
    assert is_open("replicate")


def test_a_permission_that_one_blog_alone_is_refused_is_its_own_affair_and_a_second_sites_is_everybodys(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    sandbox.fault("openai", "403", match="poison", times=None)
    poison = run(factories.pending_generation(shops[0], source_id="poison"))
    assert (poison.status, poison.attempts) == (Status.PENDING, 0)
    BreakerFailure.objects.update(at=F("at") - timedelta(seconds=settings.BREAKER_WINDOW_SECONDS))

    assert run(poison).status == Status.FAILED
    assert not is_open("openai")
    assert free_and_balance(shops[0]) == (1_000, 1_000)

    sandbox.fault("openai", "403", times=None)
    put_off = [run(factories.pending_generation(shop)) for shop in shops[1:3]]
    assert is_open("openai")
    assert [(blog.status, blog.attempts) for blog in put_off] == [(Status.PENDING, 0)] * 2


def test_a_wrong_wix_secret_fails_no_blog(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("wix", "token_removed", "token", times=None)

    put_off = [run(factories.pending_generation(shop)) for shop in shops]

    assert is_open("wix_token")
    assert {(blog.status, blog.attempts) for blog in put_off} == {(Status.PENDING, 0)}
    assert len(sandbox.requests("wix", "token")) == 2
    sandbox.clear_faults()
    probe_is_due()
    assert run(put_off[3]).status == Status.DONE
    assert not is_open("wix_token")


def test_shops_that_have_removed_the_app_hold_up_the_others_once(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("wix", "token_removed", "token", times=2)
    removed = [run(factories.pending_generation(shop)) for shop in shops[:2]]
    assert is_open("wix_token")
    probe_is_due()
    assert run(factories.pending_generation(shops[2])).status == Status.DONE

    sandbox.fault("wix", "token_removed", "token", times=2)
    ended = [run(blog) for blog in removed]

    assert [(blog.status, blog.error_code) for blog in ended] == [(Status.FAILED, "wix_auth_lost")] * 2
    assert not is_open("wix_token")


def test_a_quota_that_runs_out_again_is_no_blogs_own(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("openai", "insufficient_quota", times=1)
    blog = run(factories.pending_generation(shops[0]))
    probe_is_due()
    run(factories.pending_generation(shops[1]))
    assert not is_open("openai")

    sandbox.fault("openai", "insufficient_quota", times=1)

    assert run(blog).status == Status.PENDING
    assert is_open("openai")


def test_while_wix_gives_no_tokens_sites_that_have_one_go_on(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    run(factories.pending_generation(shops[0]))
    sandbox.fault("wix", "token_removed", "token", times=None)
    for shop in shops[1:3]:
        run(factories.pending_generation(shop))
    assert is_open("wix_token")

    assert run(factories.pending_generation(shops[0])).status == Status.DONE
