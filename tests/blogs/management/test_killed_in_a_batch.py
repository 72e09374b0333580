"""A worker that dies while it asks for the ideas of several blogs: each blog gets its own, and none is made twice."""

from __future__ import annotations

import pytest

from blogs.models import BlogGeneration, IdeaAsked, Topic
from blogs.operations import proof
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import MakeWorker, statuses
from tests.support.threads import wait_until
from wix.models import Site

pytestmark = pytest.mark.slow_process

_TOPICS = ["merino socks", "garden benches", "espresso cups", "beeswax candles"]


def test_a_worker_killed_in_it_leaves_its_blogs_to_the_next_which_asks_once_for_all(
    sandbox: Sandbox, shop: Site, worker: MakeWorker
) -> None:
    sandbox.fault("openai", "timeout", "idea", seconds=60)
    for topic in _TOPICS:
        factories.pending_generation(shop, source_id=topic)
    first = worker()
    first.start()
    wait_until(lambda: len(sandbox.requests("openai", "idea")) == 1, seconds=30)

    first.kill()
    second = worker()
    second.start()

    wait_until(lambda: statuses() == ["DONE"] * len(_TOPICS), seconds=60)
    # The one that hung, and one for all again.
    assert len(sandbox.requests("openai", "idea")) == 2
    assert Topic.objects.filter(kind=Topic.Kind.TITLE, holds=True).count() == len(_TOPICS)
    assert not IdeaAsked.objects.exists()
    assert all(not blog.error_code for blog in BlogGeneration.objects.all())
    assert proof.discrepancies() == []
    assert len(sandbox.drafts()) == len(_TOPICS)
