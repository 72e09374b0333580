"""A provider that is down: what waits, what goes on, and what staff may say of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from blogs.models import BlogGeneration, GenerationEvent, Status
from blogs.queue import waiting
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.outages import Run, open_openai, probe_is_due
from tests.support.blogs.pipeline import free_and_balance
from wix.models import Site
from workers.outbound import breaker_rows

Kind = GenerationEvent.Kind


def test_while_it_is_open_no_blog_asks_and_what_comes_waits_outside_its_line(
    sandbox: Sandbox, shops: list[Site], run: Run
) -> None:
    open_openai(sandbox, shops, run)
    asked = len(sandbox.requests("openai"))

    later = [run(factories.pending_generation(shops[3])) for _ in range(2)]

    assert len(sandbox.requests("openai")) == asked
    for blog in later:
        assert (blog.status, blog.ready, blog.attempts, blog.waits_for) == (Status.PENDING, False, 0, "openai")
    assert last_event(later[0]).code == "provider_down"
    assert later[0].run_after
    assert later[1].run_after
    # One after the other, to try it.
    assert later[1].run_after > later[0].run_after
    assert free_and_balance(shops[3]) == (950, 1_000)


def test_what_needs_only_other_providers_goes_on(sandbox: Sandbox, shops: list[Site], run: Run) -> None:
    sandbox.fault("replicate", "500", "get")
    picture_to_come = run(factories.pending_generation(shops[3]))
    assert (picture_to_come.stage, picture_to_come.attempts) == ("image", 0)
    open_openai(sandbox, shops, run)

    assert run(picture_to_come).status == Status.DONE


def test_a_picture_waits_no_longer_than_its_patience_then_the_blog_goes_on_without(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    settings.BLOG_IMAGE_PATIENCE_SECONDS = 20
    breaker_rows.hold_open("replicate", by="staff:ada", reason="Their status page says so.")

    waits = run(factories.pending_generation(shops[0]))

    assert (waits.status, waits.waits_for) == (Status.PENDING, "replicate")
    assert waits.run_after
    assert (waits.run_after - last_event(waits).created_at).total_seconds() < 21
    settings.BLOG_IMAGE_PATIENCE_SECONDS = 0
    done = run(waits)
    assert done.status == Status.DONE
    assert done.events.filter(kind=Kind.WARNING).exists()


def test_an_outage_of_wix_costs_no_blog_its_picture(
    sandbox: Sandbox, shops: list[Site], run: Run, settings: Any
) -> None:
    sandbox.fault("replicate", "500", "get")
    blog = run(factories.pending_generation(shops[0]))
    assert blog.stage == "image"
    settings.BLOG_IMAGE_PATIENCE_SECONDS = 0
    BlogGeneration.objects.filter(pk=blog.pk).update(attempts=settings.BLOG_MAX_ATTEMPTS - 1)
    breaker_rows.hold_open("wix", by="staff:ada", reason="Their status page says so.")

    waits = run(blog)

    assert (waits.status, waits.stage, waits.waits_for) == (Status.PENDING, "media", "wix")
    breaker_rows.close("wix", waiting.provider_is_back, by="staff:ada", reason="It is back.")
    assert run(waits).status == Status.DONE
    assert sandbox.drafts()[0]["media"]["wixMedia"]["image"]["id"]


def test_what_staff_hold_open_is_closed_by_staff_alone_and_their_reason_stays_with_staff(
    sandbox: Sandbox, shops: list[Site], run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        breaker_rows.hold_open("openai", by="staff:ada", reason="We change the key.")
        probe_is_due()

        waits = run(factories.pending_generation(shops[0]))
        breaker_rows.close("openai", waiting.provider_is_back, by="staff:ada", reason="New key.")

    assert waits.waits_for == "openai"
    assert sandbox.requests("openai") == []
    assert [said.reason for said in caplog.records if hasattr(said, "reason")] == ["We change the key.", "New key."]
    assert not any("change the key" in event.message for event in waits.events.all())
    assert run(waits).status == Status.DONE
    assert not breaker_rows.close("openai", waiting.provider_is_back, by="staff:ada", reason="New key.")
