from __future__ import annotations

import signal
from pathlib import Path

import pytest

from blogs import pipeline
from blogs.models import BlogGeneration, GenerationEvent, Stage, Status
from blogs.operations import proof
from credits.models import Credit
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.worker_process import (
    STAGE_CALLS,
    MakeWorker,
    stages_in_hand,
    statuses,
    submit_blogs,
    take_over,
)
from tests.support.threads import wait_until
from wix.models import Site
from workers.models import WorkerProcess

pytestmark = pytest.mark.slow_process

_BLOGS = 12


def test_a_worker_killed_in_every_stage_leaves_every_blog_done_once_with_one_draft_and_one_capture(
    sandbox: Sandbox, shop: Site, worker: MakeWorker
) -> None:
    for provider, operation in STAGE_CALLS.values():
        # One call of each kind hangs: eight blogs are stuck, each in another stage.
        sandbox.fault(provider, "timeout", operation, seconds=60)
    submit_blogs(shop, _BLOGS)
    # Each blog asks for its own idea: several that wait for one call would all be stuck in the same stage.
    first = worker(OPENAI_IDEAS_PER_CALL="1")
    first.start()
    wait_until(lambda: stages_in_hand() == set(Stage.values) and statuses().count("DONE") == _BLOGS - len(STAGE_CALLS))

    first.kill()
    second = worker()
    second.start()

    wait_until(lambda: statuses() == ["DONE"] * _BLOGS, seconds=30)
    drafts = sandbox.drafts()
    assert {draft["id"] for draft in drafts} == {str(blog.draft_post_id) for blog in BlogGeneration.objects.all()}
    assert len(drafts) == _BLOGS
    assert {draft["status"] for draft in drafts} == {"PUBLISHED"}
    assert Credit.objects.filter(kind=Credit.Kind.CAPTURE).count() == _BLOGS
    assert proof.discrepancies() == []
    # Each stage was paid once, but for the one call that hung when the worker died.
    assert len(sandbox.requests("openai", "article")) == _BLOGS + 1
    assert BlogGeneration.objects.filter(rescues=1, attempts=1).count() == len(STAGE_CALLS)


def test_sigterm_finishes_what_runs_and_leaves_the_rest_in_line(
    sandbox: Sandbox, shop: Site, worker: MakeWorker
) -> None:
    sandbox.fault("openai", "timeout", "article", times=2, seconds=1.5)
    for number in range(4):
        factories.pending_generation(shop, source_id=f"topic {number}")
    draining = worker(BLOG_BACKOFF_SECONDS="60", OPENAI_IDEAS_PER_CALL="1")
    draining.start("--threads", "2")
    wait_until(lambda: len(sandbox.requests("openai", "idea")) == 2)

    draining.signal(signal.SIGTERM)

    assert draining.wait() == 0
    # The two that ran came to an outcome of their own (their call broke after 1.5 s); the others were never started.
    assert statuses() == ["PENDING"] * 4
    assert GenerationEvent.objects.filter(kind=GenerationEvent.Kind.DEFERRED, code="provider_unavailable").count() == 2
    assert BlogGeneration.objects.filter(started_at=None).count() == 2


def test_a_second_signal_leaves_at_once_and_a_rescue_repairs(sandbox: Sandbox, shop: Site, worker: MakeWorker) -> None:
    sandbox.fault("openai", "timeout", "article", seconds=60)
    factories.pending_generation(shop)
    leaving = worker()
    leaving.start()
    wait_until(lambda: stages_in_hand() == {"article"})

    leaving.signal(signal.SIGTERM)
    wait_until(lambda: WorkerProcess.objects.filter(stopping=True).exists())  # two at once would arrive as one
    leaving.signal(signal.SIGTERM)

    assert leaving.wait(5) != 0
    assert BlogGeneration.objects.get().status == Status.PROCESSING
    (rescued,) = take_over()
    pipeline.execute(rescued)
    assert statuses() == ["DONE"]
    assert len(sandbox.drafts()) == 1


def test_a_missing_key_is_named_before_anything_starts(sandbox: Sandbox, worker: MakeWorker, tmp_path: Path) -> None:
    keyless = worker(OPENAI_API_KEY="", WIX_APP_SECRET="")
    with (tmp_path / "said").open("wb") as said:
        keyless.start(output=said)

    assert keyless.wait() == 1
    told = (tmp_path / "said").read_text()
    assert all(f"{name} is not set" in told for name in ("OPENAI_API_KEY", "WIX_APP_SECRET"))
    assert "Traceback" not in told
    assert not WorkerProcess.objects.exists()
