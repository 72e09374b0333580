"""A batch of real workers that are SIGKILLed, and then stopped by its button: each blog once, or not at all."""

from __future__ import annotations

from collections import Counter

import pytest

from blogs.audit import Actor
from blogs.batches import starting
from blogs.models import AuditEntry, BatchItem, BlogGeneration, GenerationEvent, Status
from blogs.operations import proof
from blogs.queue import lines
from credits.models import Credit
from tests.bench import filling
from tests.sandbox import Sandbox
from tests.support.blogs.worker_process import MakeWorker
from tests.support.threads import wait_until

pytestmark = pytest.mark.slow_process

_BLOGS = 400


def cancelled() -> int:
    return BlogGeneration.objects.filter(status=Status.CANCELLED).count()


def test_killed_and_stopped_it_has_moved_each_blog_once_or_not_at_all(sandbox: Sandbox, worker: MakeWorker) -> None:
    lines.pause_all(by="ada", reason="a batch is tried")
    filling.add_blogs(_BLOGS, filling.add_sites(10))
    batch = starting.start(
        Actor("ada"), "cancel", BlogGeneration.objects.all(), in_words="all", reason="ticket 7", options={}
    )
    for much in (10, 60, 110):
        workers = [worker(BATCH_BLOGS_PER_SECOND="40") for _ in range(2)]
        for each in workers:
            each.start("--threads", "1")
        wait_until(lambda much=much: cancelled() >= much)  # type: ignore[misc]
        for each in workers:
            each.kill()
    last = worker(BATCH_BLOGS_PER_SECOND="40")
    last.start("--threads", "1")
    wait_until(lambda: cancelled() >= 130)

    assert starting.stop(Actor("ada"), batch.pk)
    at_the_stop = cancelled()
    last.kill()

    assert cancelled() == at_the_stop < _BLOGS
    by_state = Counter(BatchItem.objects.values_list("state", flat=True))
    assert by_state == {"done": at_the_stop, "stopped": _BLOGS - at_the_stop}
    events = GenerationEvent.objects.filter(kind="cancelled").values_list("generation", flat=True)
    assert len(events) == len(set(events)) == at_the_stop
    assert Credit.objects.filter(kind=Credit.Kind.RELEASE).count() == at_the_stop
    assert list(AuditEntry.objects.values_list("action", flat=True).order_by("id")) == ["cancel", "stop_batch"]
    assert proof.discrepancies() == []
