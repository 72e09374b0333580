"""A site that removes the app while its blog is in any stage: the blog ends at once, and its credits are free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blogs import pipeline
from blogs.models import Stage, Status
from blogs.operations import proof
from blogs.pipeline import Output
from blogs.stages.inputs import Inputs
from credits.models import CreditAccount
from tests.sandbox import Sandbox
from tests.sandbox.wix_webhooks import public_key
from tests.support import factories
from tests.support.api import Api
from tests.support.blogs.pipeline import Attempt
from tests.support.wix.webhooks import deliver_and_work
from wix.models import Site


@pytest.fixture
def leaves_in(sandbox: Sandbox, shop: Site, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Stage], None]:
    """The stage in which the owner removes the app, with Wix's word of it worked on before the stage goes on."""
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [public_key()]

    def leave(stage: Stage) -> None:
        def at_the_door(run: Callable[[Inputs], Output]) -> Callable[[Inputs], Output]:
            def after_the_removal(inputs: Inputs) -> Output:
                sandbox.uninstall(inputs.instance_id)
                deliver_and_work("AppRemoved", shop.instance_id)
                return run(inputs)

            return after_the_removal

        steps = [step._replace(run=at_the_door(step.run)) if step.stage == stage else step for step in pipeline.STEPS]
        monkeypatch.setattr(pipeline, "STEPS", tuple(steps))

    return leave


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage != Stage.PUBLISH])
def test_the_blog_ends_where_it_is(
    shop: Site, attempt: Attempt, leaves_in: Callable[[Stage], None], stage: Stage
) -> None:
    leaves_in(stage)
    factories.pending_generation(shop)

    ended = attempt()

    assert ended.status in (Status.CANCELLED, Status.FAILED)
    assert CreditAccount.objects.get(site=shop).available == 1_000
    assert Site.objects.get(pk=shop.pk).removed_at
    assert proof.discrepancies() == []


def test_what_is_a_draft_already_stays_paid_for(
    shop: Site, attempt: Attempt, leaves_in: Callable[[Stage], None]
) -> None:
    leaves_in(Stage.PUBLISH)
    factories.pending_generation(shop, publish=True)

    ended = attempt()
    while ended.status == Status.PENDING:
        ended = attempt()

    assert ended.status == Status.DONE
    assert CreditAccount.objects.get(site=shop).available == 975
    assert proof.discrepancies() == []


def test_what_waits_is_cancelled_and_nothing_new_is_taken(
    sandbox: Sandbox, shop: Site, leaves_in: Callable[[Stage], None], api: type[Api]
) -> None:
    waiting = [factories.pending_generation(shop, source_id=f"topic {number}") for number in range(3)]
    sandbox.uninstall(str(shop.instance_id))

    deliver_and_work("AppRemoved", shop.instance_id)

    for generation in waiting:
        generation.refresh_from_db()
        assert generation.status == Status.CANCELLED
    assert api(shop).post().status_code == 403
    assert CreditAccount.objects.get(site=shop).available == 1_000


def test_wix_refuses_first_and_tells_later(sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [public_key()]
    sandbox.uninstall(str(shop.instance_id))
    factories.pending_generation(shop)

    # Perhaps it is our own secret: it waits, and holds up no other blog by itself.
    assert attempt().status == Status.PENDING
    deliver_and_work("AppRemoved", shop.instance_id)

    assert shop.generations.get().status == Status.CANCELLED
    assert CreditAccount.objects.get(site=shop).available == 1_000
