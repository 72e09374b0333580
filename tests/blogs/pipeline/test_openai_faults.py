"""What OpenAI does wrong, over real HTTP, and what becomes of the blog and of its credits."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import GenerationEvent, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt, free_and_balance, unblock_limits
from wix.models import Site
from workers.models import RateLimit


@pytest.mark.parametrize(
    ("kind", "code", "operation"),
    [
        ("500", "provider_unavailable", "idea"),
        ("500", "provider_unavailable", "article"),
        ("503", "provider_unavailable", "idea"),
        ("timeout", "timeout", "article"),
        ("drip", "timeout", "idea"),
        ("drip_headers", "timeout", "article"),
        ("reset", "provider_unavailable", "idea"),
        ("truncated", "provider_unavailable", "article"),
        ("invalid_json", "provider_unavailable", "idea"),
        ("wrong_json", "provider_unavailable", "article"),
        ("html", "provider_unavailable", "idea"),
        ("length", "content_truncated", "idea"),
    ],
)
def test_a_passing_fault_of_openai_costs_an_attempt_only_if_it_is_the_blogs_and_nothing_is_paid_twice(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, operation: str, kind: str, code: str
) -> None:
    spent = 1 if kind == "length" else 0
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, operation: 0.6}
    sandbox.fault("openai", kind, operation, seconds=3)
    factories.pending_generation(shop)

    hurt = attempt()

    assert (hurt.status, hurt.attempts, hurt.stage) == (Status.PENDING, spent, operation)
    assert last_event(hurt).code == code
    assert hurt.run_after is not None
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, operation: 60}
    done = attempt()
    assert (done.status, done.attempts) == (Status.DONE, spent + 1)
    other = "article" if operation == "idea" else "idea"
    assert len(sandbox.requests("openai", operation)) == 2
    assert len(sandbox.requests("openai", other)) == 1
    assert len(sandbox.requests("wix", "products_query")) == 1
    assert free_and_balance(shop) == (975, 975)


@pytest.mark.parametrize("kind", ["429", "429_no_retry_after", "slow_down"])
def test_a_refusal_that_is_not_the_blogs_fault_spends_no_attempt_and_holds_all_workers_back(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str
) -> None:
    sandbox.fault("openai", kind, "idea")
    factories.pending_generation(shop)

    put_off = attempt()

    assert (put_off.status, put_off.attempts) == (Status.PENDING, 0)
    assert put_off.deferred_since is not None
    assert last_event(put_off).kind == GenerationEvent.Kind.DEFERRED
    assert RateLimit.objects.get(provider="openai").blocked_until is not None
    unblock_limits()
    assert attempt().status == Status.DONE


@pytest.mark.parametrize(
    ("kind", "operation", "code"),
    [
        ("refusal", "idea", "content_refused"),
        ("content_filter", "article", "content_refused"),
        ("request_too_large", "article", "request_too_large"),
    ],
)
def test_what_will_never_succeed_fails_at_once_with_its_credits_back(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str, operation: str, code: str
) -> None:
    sandbox.fault("openai", kind, operation)
    factories.pending_generation(shop)

    failed = attempt()

    assert (failed.status, failed.error_code, failed.attempts) == (Status.FAILED, code, 1)
    assert failed.error_message.endswith(".")
    assert free_and_balance(shop) == (1_000, 1_000)
    assert sandbox.drafts() == []


def test_a_cut_answer_gets_a_larger_budget_next_time(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "length", "idea")
    factories.pending_generation(shop)
    attempt()
    attempt()

    first, second = (request["body"]["max_completion_tokens"] for request in sandbox.requests("openai", "idea"))

    assert second > first
