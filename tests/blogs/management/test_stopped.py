"""Workers stopped by SIGSTOP, as a machine that hangs or swaps stops them: they don't know, and wake up in the middle of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from blogs import pipeline, queue
from blogs.models import BlogGeneration, GenerationEvent
from blogs.operations import proof
from blogs.queue import lifecycle
from blogs.queue.lines import CLAIM_LOCK
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import MakeWorker, statuses, take_over
from tests.support.threads import wait_until
from wix.models import Site
from workers.models import WorkerProcess

pytestmark = pytest.mark.slow_process

_BLOGS = 3


def test_a_worker_that_was_stopped_for_longer_than_its_lease_writes_nothing_it_lost_and_works_on(
    sandbox: Sandbox, shop: Site, worker: MakeWorker, tmp_path: Path
) -> None:
    sandbox.fault("openai", "timeout", "article", times=_BLOGS, seconds=4)
    for number in range(_BLOGS):
        factories.pending_generation(shop, source_id=f"topic {number}")
    log = tmp_path / "log"
    zombie = worker(LOG_FORMAT="console")
    with log.open("wb") as output:
        zombie.start(output=output)
    wait_until(lambda: len(sandbox.requests("openai", "article")) == _BLOGS)
    name = WorkerProcess.objects.get().name

    zombie.signal(signal.SIGSTOP)
    for generation in take_over():
        pipeline.execute(generation)
    assert statuses() == ["DONE"] * _BLOGS
    last = GenerationEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    zombie.signal(signal.SIGCONT)

    wait_until(lambda: log.read_text().count("lease lost") == _BLOGS)
    assert not GenerationEvent.objects.filter(pk__gt=last).exists()
    assert statuses() == ["DONE"] * _BLOGS
    later = factories.pending_generation(shop, source_id="later")
    wait_until(lambda: statuses() == ["DONE"] * (_BLOGS + 1))
    assert later.events.get(kind=GenerationEvent.Kind.DONE).by == name
    assert len(sandbox.drafts()) == _BLOGS + 1
    assert proof.discrepancies() == []


def test_a_claimer_stopped_in_mid_claim_holds_up_no_other_and_what_it_claimed_is_rescued(
    shop: Site, worker: MakeWorker
) -> None:
    for number in range(_BLOGS):
        factories.pending_generation(shop, source_id=f"topic {number}")
    stopped = worker(PROCESS_NAME="stopped-worker")
    with _claim_lock_held():
        stopped.start("--threads", str(_BLOGS - 1))
        wait_until(lambda: _is_waiting_to_claim())
        stopped.signal(signal.SIGSTOP)
    began = time.monotonic()

    # The statement that waited goes on in PostgreSQL without its client, and gives the lock back by itself.
    wait_until(lambda: statuses().count("PROCESSING") == _BLOGS - 1, seconds=3)
    (mine,) = queue.claim(factories.WorkerFactory.create(), 10)

    assert time.monotonic() - began < 3  # and not the five seconds after which PostgreSQL ends an idle transaction
    lifecycle.hand_back(mine)
    stopped.kill()
    assert len(take_over()) == _BLOGS
    assert BlogGeneration.objects.filter(rescues=1).count() == _BLOGS - 1


@contextmanager
def _claim_lock_held() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [CLAIM_LOCK])
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [CLAIM_LOCK])


def _is_waiting_to_claim() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stopped-worker'"
            " AND wait_event = 'advisory' AND query LIKE '%EXECUTE claim_%'"
        )
        return bool(cursor.fetchone()[0])
