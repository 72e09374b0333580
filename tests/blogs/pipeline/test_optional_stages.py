"""What a blog can do without costs it nothing: neither an attempt nor, where Replicate can be asked, a second order."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import GenerationEvent, Stage, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt, free_and_balance, warnings
from wix.models import Site
from workers.context.on_behalf import Caller
from workers.models import BreakerFailure

Kind = GenerationEvent.Kind


def the_failures_are_its_own(blog_id: int, provider: str = "replicate") -> None:
    """As after calls of other blogs that got through."""
    caller = Caller(work=blog_id, party=0)
    BreakerFailure.objects.create(provider=provider, party=caller.party, work=caller.work, own=True)


def test_a_picture_that_fails_again_and_again_leaves_the_blog_all_its_attempts(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    pending = factories.pending_generation(shop)
    sandbox.fault("replicate", "500", "create", times=None)
    spent = []

    while True:
        the_failures_are_its_own(pending.pk)
        sandbox.fault("openai", "invalid_article", "article", times=1)
        tried = attempt()
        spent.append(tried.attempts)
        if tried.stage != Stage.IMAGE_ORDER:
            break

    # The picture was given up with its fifth try, and the first article was unusable: one attempt.
    assert spent == [0] * (settings.BLOG_MAX_ATTEMPTS - 1) + [1]
    assert (tried.status, tried.stage, warnings(tried)) == (Status.PENDING, Stage.ARTICLE, ["provider_unavailable"])
    sandbox.clear_faults()
    assert attempt().status == Status.DONE
    assert free_and_balance(shop) == (975, 975)


@pytest.mark.parametrize(
    ("provider", "operation", "stage"),
    [("replicate", "get", Stage.IMAGE), ("wix", "media_import", Stage.MEDIA)],
)
def test_so_do_the_other_stages_of_the_picture(
    sandbox: Sandbox, shop: Site, attempt: Attempt, provider: str, operation: str, stage: Stage
) -> None:
    pending = factories.pending_generation(shop)
    the_failures_are_its_own(pending.pk, provider)
    sandbox.fault(provider, "500", operation)

    hurt = attempt()

    assert (hurt.status, hurt.stage, hurt.attempts) == (Status.PENDING, stage, 0)
    assert last_event(hurt).kind == Kind.RETRYING
    done = attempt()
    assert (done.status, done.attempts, warnings(done)) == (Status.DONE, 1, [])


def test_each_try_of_a_picture_waits_longer_than_the_one_before(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    pending = factories.pending_generation(shop)
    sandbox.fault("replicate", "500", "create", times=None)
    waits = []

    for _ in range(3):
        the_failures_are_its_own(pending.pk)
        hurt = attempt()
        assert hurt.run_after
        waits.append((hurt.run_after - last_event(hurt).created_at).total_seconds())

    assert waits[0] < 13 < waits[1] < 26 < waits[2]


@pytest.mark.parametrize("fault", ["drip", "reset", "truncated", "timeout", "after_success", "500_after_success"])
def test_a_picture_whose_order_was_not_answered_is_not_ordered_again_if_replicate_has_it(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, fault: str
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "image_order": 1.0}
    sandbox.fault("replicate", fault, "create", seconds=3)
    factories.pending_generation(shop)
    assert attempt().stage == Stage.IMAGE_ORDER
    made = sandbox.stats()["replicate"]["predictions"]
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "image_order": 60.0}

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, [])
    assert sandbox.stats()["replicate"]["predictions"] == 1
    assert len(sandbox.requests("replicate", "create")) == (1 if made else 2)
    assert sandbox.drafts()[0]["media"]["wixMedia"]["image"]["id"]


def test_an_order_is_found_behind_those_of_others(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    from blogs.providers import replicate

    sandbox.fault("replicate", "after_success", "create")
    factories.pending_generation(shop)
    attempt()
    for number in range(120):
        replicate.order(f"Picture {number}", seconds=5)

    done = attempt()

    assert done.status == Status.DONE
    assert sandbox.stats()["replicate"]["predictions"] == 121
    assert len(sandbox.requests("replicate", "list")) == 2


def test_a_server_that_lists_no_orders_is_asked_for_another(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("replicate", "after_success", "create")
    sandbox.fault("replicate", "not_found", "list")
    factories.pending_generation(shop)
    attempt()

    assert attempt().status == Status.DONE
    assert len(sandbox.requests("replicate", "create")) == 2
