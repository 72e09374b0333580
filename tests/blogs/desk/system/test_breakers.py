from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from blogs.models import BlogGeneration
from tests.support.blogs.desk_pages import text_of, visible
from tests.support.factories import pending_generation, site
from workers.context.on_behalf import Caller
from workers.errors import AccountRefused
from workers.models import Breaker
from workers.outbound import breaker_rows

pytestmark = pytest.mark.django_db

LIST, OPENAI = "/admin/workers/breaker/", "/admin/workers/breaker/openai/"


def _runs_out() -> None:
    error = AccountRefused("provider_quota", "Our OpenAI account has run out; an operator must look.", for_all=True)
    breaker_rows.judge("openai", Caller(work=1, party=1), error, time.monotonic(), probe=False)


def _is_open() -> bool:
    return Breaker.objects.get(provider="openai").opened_at is not None


@pytest.fixture(autouse=True)
def _openai() -> None:
    Breaker.objects.get_or_create(provider="openai")


def test_a_provider_that_is_down_says_why_and_when_it_is_tried_again(desk: Client, settings: Any) -> None:
    settings.BREAKER_PROBE_SECONDS = 900
    assert "openai asked" in visible(text_of(desk, LIST))

    _runs_out()

    page = visible(text_of(desk, LIST))
    assert "openai down Our OpenAI account has run out; an operator must look. 15 min" in page


def test_staff_hold_it_open_with_a_reason_and_close_it_again(desk: Client) -> None:
    waiting = pending_generation(site())
    BlogGeneration.objects.filter(pk=waiting.pk).update(ready=False, run_after="2999-01-01T00:00Z", waits_for="openai")

    desk.post(f"{OPENAI}pause/", {"reason": "We change the key."})

    assert _is_open()
    assert "openai held open We change the key." in visible(text_of(desk, LIST))
    assert "staff:ada" in visible(text_of(desk, LIST))
    assert "Resume openai" in visible(text_of(desk, f"{OPENAI}change/"))
    desk.post(f"{OPENAI}resume/", {"reason": "The key is changed."})
    assert not _is_open()
    waiting.refresh_from_db()
    assert waiting.run_after
    assert waiting.run_after.year < 2999


def test_without_a_reason_nothing_changes(desk: Client) -> None:
    assert "This field is required" in desk.post(f"{OPENAI}pause/", {"reason": ""}).content.decode()

    assert not _is_open()


def test_who_may_only_look_changes_nothing(desk_with: Callable[..., Client]) -> None:
    client = desk_with("workers.view_breaker")

    assert client.post(f"{OPENAI}pause/", {"reason": "Mischief."}).status_code == 403
    assert "Pause openai" not in visible(text_of(client, f"{OPENAI}change/"))
    assert not _is_open()


def test_health_names_what_is_down(client: Client) -> None:
    assert client.get("/health").json()["providersDown"] == []

    _runs_out()

    body = client.get("/health").json()
    assert (body["status"], body["providersDown"][0]["provider"]) == ("degraded", "openai")
    assert [alert["name"] for alert in body["alerts"]] == ["provider_down"]
    assert "account" not in str(body)
    assert client.get("/api/rate-limiter/stats").json()["breaker"] == "open"
    assert client.get("/api/replicate-rate-limiter/stats").json()["breaker"] == "closed"
