"""A blog whose outputs are all saved, and which is not DONE: our rows say that there is none."""

from __future__ import annotations

from collections.abc import Callable

from blogs.models import BlogGeneration, Stage, StageOutput, Status
from tests.support import factories
from wix.models import Site


def test_a_blog_with_nothing_left_to_do_is_a_bug_that_is_told(
    shop: Site, attempt: Callable[[], BlogGeneration]
) -> None:
    waiting = factories.pending_generation(shop)
    BlogGeneration.objects.update(stage=Stage.PUBLISH)
    StageOutput.objects.bulk_create(StageOutput(generation=waiting, stage=stage, output={}) for stage in Stage)

    put_off = attempt()

    assert (put_off.status, put_off.error_code) == (Status.PENDING, "internal")
