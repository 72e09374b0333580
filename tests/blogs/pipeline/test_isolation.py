"""What one blog, one stage or one bug may cost: no other blog, no secret, and no more time than is granted."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection

from blogs import pipeline, queue
from blogs.models import BlogGeneration, StageOutput, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, end_delays, unblock_limits
from wix.models import Site


def test_a_stage_of_many_slow_calls_ends_within_its_deadline_and_the_wait_for_limits(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "media": 0.7}
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 0.3
    sandbox.fault("wix", "media_pending_forever", "media_import")
    factories.pending_generation(shop)
    began = time.monotonic()

    hurt = attempt()

    assert (hurt.status, hurt.stage) == (Status.PENDING, "media")
    assert time.monotonic() - began < 3


def test_a_stage_says_until_when_its_lease_is_renewed(sandbox: Sandbox, shop: Site, settings: Any) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "products": 1_000}
    settings.RATE_LIMIT_MAX_WAIT_SECONDS = 60
    sandbox.fault("wix", "500", "products_query")
    factories.pending_generation(shop)
    (generation,) = queue.claim(factories.WorkerFactory.create(), 1)
    now = time.monotonic()

    pipeline.execute(generation)

    assert now + 1_060 <= generation.renew_until <= now + 1_080


def test_a_poison_blog_disturbs_no_other(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "500", match="poison", times=None)
    factories.pending_generation(shop, source_id="poison")
    assert attempt().status == Status.PENDING
    BlogGeneration.objects.update(priority=1)
    factories.pending_generation(shop, source_id="healthy")

    assert attempt().status == Status.DONE


def test_a_bug_of_ours_is_retried_and_says_internal(
    sandbox: Sandbox, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("blogs.stages.products._fitting", lambda text, products: 1 / 0)
    factories.pending_generation(shop)

    hurt = attempt()

    assert (hurt.status, hurt.error_code) == (Status.PENDING, "internal")
    assert "unexpected error in a stage" in caplog.text


def test_no_secret_reaches_logs_events_or_rows(
    sandbox: Sandbox, shop: Site, attempt: Attempt, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    for kind in ("401", "500", "html"):
        sandbox.fault("openai", kind, "idea")
    factories.pending_generation(shop)
    for _ in range(4):
        attempt()
        unblock_limits()
        end_delays()

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, ' ') FROM blogs_generationevent e")
        events = cursor.fetchone()[0]
    rows = str(list(BlogGeneration.objects.values())) + str(list(StageOutput.objects.values()))
    written = events + rows + caplog.text + str([record.__dict__ for record in caplog.records])
    for secret in (settings.OPENAI_API_KEY, settings.REPLICATE_API_TOKEN, settings.WIX_APP_SECRET):
        assert secret not in written
