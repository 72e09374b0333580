"""A worker that dies while an article's part is repaired: nothing that was answered is paid for again."""

from __future__ import annotations

import pytest

from blogs.models import BlogGeneration, Stage
from blogs.operations import proof
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import MakeWorker, statuses
from tests.support.threads import wait_until
from wix.models import Site

pytestmark = pytest.mark.slow_process


@pytest.mark.parametrize("call", ["critic", "repair"])
def test_a_worker_killed_in_it_pays_for_no_finished_call_twice(
    sandbox: Sandbox, shop: Site, worker: MakeWorker, call: str
) -> None:
    sandbox.fault("openai", "defect:invented_price", "article")
    sandbox.fault("openai", "timeout", call, seconds=60)
    factories.pending_generation(shop, publish=True)
    first = worker()
    first.start()
    wait_until(lambda: len(sandbox.requests("openai", call)) == 1, seconds=30)

    first.kill()
    second = worker()
    second.start()

    wait_until(lambda: statuses() == ["DONE"], seconds=30)
    asked = {name: len(sandbox.requests("openai", name)) for name in ("article", "critic", "repair")}
    # Only the call that hung is asked again.
    assert asked == {"article": 1, "critic": 1, "repair": 1, call: 2}
    blog = BlogGeneration.objects.get()
    assert (blog.needs_review, blog.rescues) == (False, 1)
    report = blog.outputs.get(stage=Stage.ARTICLE).output["quality"]
    assert [found["done"] for found in report["findings"] if found["level"] == "error"] == ["repaired"]
    assert proof.discrepancies() == []
    assert len(sandbox.drafts()) == 1
