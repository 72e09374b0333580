"""What Replicate does wrong, over real HTTP: a blog is worth its price without a picture, too."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import GenerationEvent, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, free_and_balance
from wix.models import Site
from workers.models import RateLimit


@pytest.mark.parametrize("kind", ["prediction_failed", "aborted", "canceled", "401"])
def test_a_picture_that_cannot_be_made_leaves_a_warning_and_no_cover(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, kind: str
) -> None:
    settings.BLOG_IMAGE_PATIENCE_SECONDS = -1  # for 401: as if ten minutes had passed
    sandbox.fault("replicate", kind, "create", times=None)
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE
    assert done.events.filter(kind=GenerationEvent.Kind.WARNING).exists()
    assert "media" not in sandbox.drafts()[0] or not sandbox.drafts()[0]["media"].get("wixMedia")
    assert free_and_balance(shop) == (975, 975)


@pytest.mark.parametrize(
    "kind", ["500", "timeout", "drip", "drip_headers", "reset", "wrong_json", "invalid_json", "html"]
)
def test_a_passing_fault_of_replicate_is_tried_again(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, kind: str
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "image_order": 0.6}
    sandbox.fault("replicate", kind, "create", seconds=3)
    factories.pending_generation(shop)

    assert (attempt().status, attempt().status) == (Status.PENDING, Status.DONE)
    assert sandbox.drafts()[0]["media"]["wixMedia"]["image"]["id"]


def test_replicates_429_puts_the_blog_off_without_spending_an_attempt(
    sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    sandbox.fault("replicate", "429", "create")
    factories.pending_generation(shop)

    put_off = attempt()

    assert (put_off.status, put_off.attempts, put_off.stage) == (Status.PENDING, 0, "image_order")
    assert RateLimit.objects.get(provider="replicate").rejections == 1
