"""What Wix does wrong, over real HTTP, and what becomes of the blog and of its credits."""

from __future__ import annotations

import time
from typing import Any

import pytest

from blogs.models import GenerationEvent, Stage, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt, free_and_balance, unblock_limits
from wix.client import http
from wix.models import Site
from wix.posts import author
from workers.context.on_behalf import Caller
from workers.outbound import breaker_rows

Kind = GenerationEvent.Kind


def test_media_that_fails_leaves_a_warning(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "media_failed", "media_import")
    sandbox.fault("wix", "403", "media_upload_url")
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE
    assert done.events.get(kind=Kind.WARNING).code == "media_failed"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        *((operation, "500") for operation in ("catalog_version", "products_query", "media_import", "tags_query")),
        ("products_query", "reset"),
        ("media_import", "html"),
        ("members_query", "truncated"),
        ("catalog_version", "429"),
        ("members_query", "429"),
    ],
)
def test_a_passing_fault_of_wix_is_tried_again(
    sandbox: Sandbox, shop: Site, attempt: Attempt, operation: str, kind: str
) -> None:
    sandbox.fault("wix", kind, operation)
    factories.pending_generation(shop)

    hurt = attempt()
    unblock_limits()

    assert (hurt.status, hurt.attempts) == (Status.PENDING, 0)
    assert attempt().status == Status.DONE
    assert len(sandbox.drafts()) == 1
    assert len(sandbox.requests("openai", "article")) == 1


def test_a_member_that_was_made_between_the_look_and_the_create_is_used(
    sandbox: Sandbox, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_looks = [None]
    look = author._called
    monkeypatch.setattr(author, "_called", lambda *site: first_looks.pop() if first_looks else look(*site))
    http.request(
        str(shop.instance_id),
        "POST",
        "/members/v1/members",
        operation="member_create",
        seconds=5,
        body={"member": {"loginEmail": f"author-{shop.instance_id}@authors.invalid"}},
    )
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE


def test_a_stale_token_is_fetched_again_once(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "401", "products_query")
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("wix", "token")) == 2


def test_a_site_that_gives_no_token_any_more_fails_with_a_code_for_support(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.BREAKER_WINDOW_SECONDS = 0  # as if it had passed without another site that gives none
    sandbox.fault("wix", "token_removed", "token", times=None)
    factories.pending_generation(shop)
    assert attempt().status == Status.PENDING

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_auth_lost")
    assert free_and_balance(shop) == (1_000, 1_000)


@pytest.mark.parametrize("kind", ["drip", "drip_headers"])
@pytest.mark.parametrize("operation", ["products_query", "draft_create"])
def test_a_dripping_wix_is_left_at_the_deadline(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, operation: str, kind: str
) -> None:
    stage = "products" if operation == "products_query" else "draft"
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, stage: 0.6}
    sandbox.fault("wix", kind, operation, seconds=6)
    factories.pending_generation(shop)
    began = time.monotonic()

    hurt = attempt()

    assert (hurt.status, last_event(hurt).code) == (Status.PENDING, "timeout")
    assert time.monotonic() - began < 3


def test_a_published_blog_is_published_and_twice_is_harmless(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("wix", "500_after_success", "draft_publish")
    factories.pending_generation(shop, publish=True)

    assert (attempt().status, attempt().status) == (Status.PENDING, Status.DONE)
    (draft,) = sandbox.drafts()
    assert draft["status"] == "PUBLISHED"
    assert free_and_balance(shop) == (975, 975)


def test_publishing_that_never_works_leaves_the_draft_paid_with_a_warning(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("wix", "500", "draft_publish", times=None)
    factories.pending_generation(shop, publish=True)

    waiting = [attempt()]
    while waiting[-1].status == Status.PENDING:
        breaker_rows.got_through("wix", Caller(work=0, party=0), began=time.monotonic())
        waiting.append(attempt())
    done = waiting.pop()

    assert [again.attempts for again in waiting] == [0, 1, 2, 3, 4]
    assert {again.status for again in waiting} == {Status.PENDING}
    assert done.status == Status.DONE
    assert done.events.get(kind=Kind.WARNING).stage == Stage.PUBLISH
    assert free_and_balance(shop) == (975, 975)
