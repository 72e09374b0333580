"""What an error of ours costs a blog: nothing while the release may be to blame, an attempt where the blog is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.db.models import F
from django.utils import timezone

from blogs import pipeline, queue
from blogs.models import BlogGeneration, GenerationEvent, Status
from tests.support import factories
from tests.support.blogs.pipeline import end_delays
from wix.models import Site
from workers.models import WorkerProcess
from workers.pool.verdict import Verdict

pytestmark = pytest.mark.usefixtures("sandbox", "shop")


def run_all(verdict: Verdict, limit: int = 50, worker: WorkerProcess | None = None) -> None:
    """Run what waits, until nothing of it is due any more."""
    end_delays()
    for generation in queue.claim(worker or factories.WorkerFactory.create(), limit):
        pipeline.execute(generation, verdict)


def run_what_is_due(worker: WorkerProcess) -> None:
    """Run what waits for nothing: the blogs that have just been asked for."""
    for generation in queue.claim(worker, 50):
        pipeline.execute(generation, Verdict())


def bug(monkeypatch: pytest.MonkeyPatch, *, of: str = "") -> None:
    """Let the first stage trip over any blog, or those with this subject."""
    real = pipeline.STEPS[0].run

    def run(inputs: Any) -> Any:
        if of in inputs.source_id:
            raise KeyError("a bug")
        return real(inputs)

    step = pipeline.STEPS[0]._replace(run=run)
    monkeypatch.setattr(pipeline, "STEPS", (step, *pipeline.STEPS[1:]))


def test_a_broken_release_spends_no_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        site = factories.site()
        for _ in range(4):
            factories.pending_generation(site)
    bug(monkeypatch)
    verdict = Verdict()

    for _ in range(6):
        run_all(verdict)

    assert verdict.is_broken
    assert set(BlogGeneration.objects.values_list("status", "attempts")) == {(Status.PENDING, 0)}


def test_started_again_and_again_it_spends_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    factories.pending_generation()
    bug(monkeypatch)

    for _ in range(12):
        run_all(Verdict())

    assert BlogGeneration.objects.values_list("status", "attempts").get() == (Status.PENDING, 0)
    assert GenerationEvent.objects.filter(kind=GenerationEvent.Kind.DEFERRED, code="internal").count() == 12


def test_a_blog_that_trips_a_bug_beside_sound_ones_fails_and_stops_no_worker(
    monkeypatch: pytest.MonkeyPatch, shop: Site, settings: Any
) -> None:
    poison = factories.pending_generation(factories.site(), source_id="poison")
    bug(monkeypatch, of="poison")
    verdict = Verdict()
    tries = 0

    while BlogGeneration.objects.get(pk=poison.pk).status == Status.PENDING:
        factories.pending_generation(shop, source_id="sound")
        run_all(verdict)
        tries += 1
        assert tries <= settings.BLOG_MAX_ATTEMPTS + 2

    failed = BlogGeneration.objects.get(pk=poison.pk)
    assert (failed.status, failed.error_code) == (Status.FAILED, "internal")
    assert not verdict.is_broken
    assert set(BlogGeneration.objects.exclude(pk=poison.pk).values_list("status", flat=True)) == {Status.DONE}


def test_a_lone_blog_that_trips_a_bug_runs_a_few_dozen_times_in_a_day_and_then_fails(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    lone = factories.pending_generation()
    bug(monkeypatch)
    runs, waited = 0, 0.0

    while True:
        run_all(Verdict())
        runs += 1
        lone.refresh_from_db()
        if lone.status != Status.PENDING:
            break
        assert lone.run_after
        seconds = (lone.run_after - timezone.now()).total_seconds()
        waited += seconds
        BlogGeneration.objects.filter(pk=lone.pk).update(
            deferred_since=F("deferred_since") - timedelta(seconds=seconds)
        )

    assert (lone.status, lone.error_code) == (Status.FAILED, "internal")
    assert runs <= 28
    assert waited > settings.BLOG_MAX_DEFERRAL_SECONDS
    assert (lone.site.credit_account.balance, lone.site.credit_account.held) == (1_000, 0)


def test_a_blog_that_was_put_off_often_is_to_blame_once_the_same_worker_gets_anothers_past_the_stage(
    monkeypatch: pytest.MonkeyPatch, shop: Site, settings: Any
) -> None:
    poison, worker = (
        factories.pending_generation(factories.site(), source_id="poison"),
        factories.WorkerFactory.create(),
    )
    bug(monkeypatch, of="poison")
    # Each verdict is as new: the process has got nothing past the stage for longer than it remembers.
    for _ in range(settings.BLOG_MAX_ATTEMPTS):
        run_all(Verdict(), worker=worker)
    factories.pending_generation(shop, source_id="sound")
    run_what_is_due(worker)

    for tries in range(settings.BLOG_MAX_ATTEMPTS):
        poison.refresh_from_db()
        assert (poison.status, poison.attempts) == (Status.PENDING, tries)
        run_all(Verdict(), worker=worker)

    poison.refresh_from_db()
    assert (poison.status, poison.error_code) == (Status.FAILED, "internal")
    assert (poison.site.credit_account.balance, poison.site.credit_account.held) == (1_000, 0)


def test_what_a_good_release_gets_through_blames_no_blog_of_a_broken_one(
    monkeypatch: pytest.MonkeyPatch, shop: Site
) -> None:
    waits = factories.pending_generation(factories.site(), source_id="waits")
    bug(monkeypatch, of="waits")

    for _ in range(20):
        run_all(Verdict())  # each by a worker of its own
        factories.pending_generation(shop, source_id="sound")
        run_what_is_due(factories.WorkerFactory.create())

    waits.refresh_from_db()
    assert (waits.status, waits.attempts) == (Status.PENDING, 0)


@pytest.fixture
def without_a_column(transactional_db: Any) -> Iterator[None]:
    """The tables as they are before a migration that this code needs; the test begins with `rename`."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE blog_generations RENAME COLUMN renamed TO deferred_since")


def rename() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE blog_generations RENAME COLUMN deferred_since TO renamed")


@pytest.mark.usefixtures("without_a_column")
def test_tables_that_the_code_does_not_know_count_as_a_broken_release_and_not_as_an_outage() -> None:
    for _ in range(3):
        site = factories.site()  # unknown at the sandbox, so that its blogs are put off
        factories.pending_generation(site)
        factories.pending_generation(site)
    claimed = queue.claim(factories.WorkerFactory.create(), 6)
    rename()
    verdict = Verdict()

    for generation in claimed:
        with pytest.raises(ProgrammingError):
            pipeline.execute(generation, verdict)

    assert verdict.is_broken
    assert verdict.reason.startswith("ProgrammingError in products")


@pytest.mark.usefixtures("without_a_column")
def test_a_claim_that_meets_other_tables_counts_too() -> None:
    worker = factories.WorkerFactory.create()
    rename()
    verdict = Verdict()

    for _ in range(5):
        with pytest.raises(ProgrammingError), verdict.over_claims():
            queue.claim(worker, 1)

    assert verdict.is_broken
