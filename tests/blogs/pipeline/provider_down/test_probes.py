"""How a provider that was down is tried, and how it comes back."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from blogs import queue
from blogs.models import BlogGeneration, Stage, Status
from blogs.queue import backoff, waiting
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.outages import Run, is_open, open_openai, probe_is_due
from wix.models import Site
from workers.context.on_behalf import Caller
from workers.context.process_memory import forget_everything
from workers.database.clock import ClockTimestamp
from workers.errors import ProviderDown, ProviderFailure
from workers.models import Breaker
from workers.outbound import breaker_rows
from workers.outbound.breaker_rows import Verdict
from workers.outbound.breaker_states import states


def test_the_first_success_of_a_probe_closes_it_and_all_that_wait_come_back_at_once(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    put_off = open_openai(sandbox, shops, run)
    put_off += [run(factories.pending_generation(shops[3]))]
    sandbox.clear_faults()
    probe_is_due()

    assert run(factories.pending_generation(shops[4])).status == Status.DONE

    assert not is_open("openai")
    queue.promote()
    held_up = [blog for blog in put_off if blog.waits_for == "openai"]
    assert len(held_up) >= 2
    assert BlogGeneration.objects.filter(ready=True).count() == len(held_up)
    assert {run(blog).status for blog in put_off} == {Status.DONE}


def test_a_probe_that_fails_costs_nothing_and_the_next_is_of_another_site(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    open_openai(sandbox, shops, run)
    poison, good = factories.pending_generation(shops[3]), factories.pending_generation(shops[0])
    probe_is_due()

    assert run(poison).attempts == 0
    assert is_open("openai")
    asked = len(sandbox.requests("openai"))
    sandbox.clear_faults()
    probe_is_due(site=shops[3].pk)
    assert run(poison).attempts == 0  # not asked: it is another site's turn
    assert len(sandbox.requests("openai")) == asked
    probe_is_due(site=shops[3].pk)
    assert run(good).status == Status.DONE
    assert not is_open("openai")


def test_a_site_that_is_alone_has_its_turn_again_a_little_later(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    blog = open_openai(sandbox, shops, run)[0]
    sandbox.clear_faults()
    Breaker.objects.update(probe_party=shops[0].pk, probe_at=ClockTimestamp() - timedelta(seconds=16))

    assert run(blog).status == Status.DONE


def test_a_quick_stage_tries_it_before_a_slow_one(db: None) -> None:
    breaker_rows.hold_open("openai", by="staff:ada", reason="Look at it.")
    down = ProviderDown("openai", retry_in=10)

    with transaction.atomic():
        waits = {stage: backoff.until_it_is_back(down, stage)[1] for stage in (Stage.IDEA, Stage.ARTICLE)}

    assert 10 < waits[Stage.IDEA] < waits[Stage.ARTICLE] < 10 + 15


def test_a_probe_that_comes_to_no_call_leaves_its_turn_to_the_next(
    sandbox: Sandbox, shops: list[Site], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_openai(sandbox, shops, run)
    sandbox.clear_faults()
    probe_is_due()
    monkeypatch.setattr("blogs.providers.openai._client", lambda: 1 / 0)
    run(factories.pending_generation(shops[3]))
    monkeypatch.undo()
    monkeypatch.setattr(states, "fresh_seconds", 0.0)

    assert run(factories.pending_generation(shops[4])).status == Status.DONE
    assert not is_open("openai")


def test_a_probe_that_meets_a_429_neither_closes_it_nor_keeps_its_turn(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    open_openai(sandbox, shops, run)
    sandbox.clear_faults()
    sandbox.fault("openai", "429")
    probe_is_due()

    run(factories.pending_generation(shops[3]))

    left = Breaker.objects.filter(provider="openai").values_list(F("probe_at") - ClockTimestamp(), flat=True)
    assert is_open("openai")
    assert 10 < left.get().total_seconds() <= 15


def test_a_probe_spends_no_longer_than_its_own_deadline(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    open_openai(sandbox, shops, run)
    sandbox.clear_faults()
    sandbox.fault("openai", "timeout", seconds=3)
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "idea": 0.3}
    probe_is_due()

    hung = run(factories.pending_generation(shops[3]))

    assert (hung.attempts, hung.waits_for) == (0, "openai")
    assert Breaker.objects.get(provider="openai").code == "timeout"


def test_a_call_that_has_hung_since_before_it_closed_opens_it_not_again(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    settings.BREAKER_FAILURES = settings.BREAKER_SITES = 1
    began = time.monotonic()
    breaker_rows.hold_open("openai", by="staff:ada", reason="Down.")
    breaker_rows.close("openai", waiting.provider_is_back, by="staff:ada", reason="Up.")
    caller = Caller(work=1, party=shops[0].pk)
    failure = ProviderFailure("timeout", "It hung.")

    verdict = breaker_rows.judge("openai", caller, failure, began, probe=False)

    assert verdict is Verdict.DOUBT
    assert not is_open("openai")


def test_a_blog_that_is_put_off_just_after_it_closed_does_not_wait_for_it(
    sandbox: Sandbox, shops: list[Site], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker's knowledge is a second old."""
    breaker_rows.hold_open("openai", by="staff:ada", reason="Down.")
    states.of("openai")
    monkeypatch.setattr(states, "fresh_seconds", 1_000.0)
    forget_everything()
    states.of("openai")
    breaker_rows.close("openai", waiting.provider_is_back, by="staff:ada", reason="Up.")

    late = run(factories.pending_generation(shops[0]))

    assert (late.status, late.waits_for) == (Status.PENDING, "")
    assert late.run_after
    assert (late.run_after - last_event(late).created_at).total_seconds() < 2


def test_what_waits_for_a_provider_that_is_there_is_found_by_housekeeping(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    open_openai(sandbox, shops, run)
    waits, forgotten = (run(factories.pending_generation(shop)) for shop in shops[3:5])
    BlogGeneration.objects.filter(pk=forgotten.pk).update(waits_for="replicate")

    waiting.recall_forgotten()
    queue.promote()

    assert BlogGeneration.objects.get(pk=forgotten.pk).ready
    assert BlogGeneration.objects.get(pk=waits.pk).waits_for == "openai"


def test_staff_who_put_a_blog_first_let_it_wait_for_no_provider(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    open_openai(sandbox, shops, run)
    waits = run(factories.pending_generation(shops[3]))
    assert waits.waits_for == "openai"

    assert waiting.put_first(waits.pk, by="staff:ada").waits_for == ""
