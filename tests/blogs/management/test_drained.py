from __future__ import annotations

import signal

import pytest

from blogs.models import BlogGeneration, GenerationEvent, Stage
from blogs.operations import proof
from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import STAGE_CALLS, MakeWorker, stages_in_hand, submit_blogs
from tests.support.threads import wait_until
from wix.models import Site

pytestmark = pytest.mark.slow_process


def test_sigterm_hands_back_what_is_stuck_in_any_stage_and_spends_no_attempt(
    sandbox: Sandbox, shop: Site, worker: MakeWorker
) -> None:
    for provider, operation in STAGE_CALLS.values():
        sandbox.fault(provider, "timeout", operation, seconds=60)
    submit_blogs(shop, len(STAGE_CALLS))
    draining = worker(BLOG_WORKER_DRAIN_SECONDS="0.5", OPENAI_IDEAS_PER_CALL="1")
    draining.start()
    wait_until(lambda: stages_in_hand() == set(Stage.values))

    draining.signal(signal.SIGTERM)

    assert draining.wait() == 0
    returned = BlogGeneration.objects.all()
    assert {blog.stage for blog in returned} == set(Stage.values)
    assert {(blog.status, blog.attempts, blog.rescues, blog.ready) for blog in returned} == {("PENDING", 0, 0, True)}
    in_article = returned.get(stage=Stage.ARTICLE)
    assert set(in_article.outputs.values_list("stage", flat=True)) == {"products", "idea", "image_order"}
    assert GenerationEvent.objects.filter(kind=GenerationEvent.Kind.HANDED_BACK).count() == len(STAGE_CALLS)
    assert proof.discrepancies() == []
