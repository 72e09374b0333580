"""What callers are told while the sessions that we have open take no writes, as after a failover, and that it ends by itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from blogs.models import BlogGeneration, Status
from blogs.queue import lifecycle
from tests.sandbox import wix_webhooks
from tests.support import factories
from tests.support.api import Api
from tests.support.demotion import demote, sessions_of_its_own
from tests.support.problems import problem
from tests.support.wix.webhooks import post
from workers.database import outage
from workers.errors import TransientError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_sessions(transactional_db: None) -> Iterator[None]:
    with sessions_of_its_own():
        yield


def test_a_shop_is_told_to_come_back_and_is_served_when_it_does(api: type[Api]) -> None:
    shop = api(factories.site())
    demote()

    body = problem(shop.post(), 503, "database_unavailable")

    assert body["retryable"] is True
    assert shop.post().status_code == 201
    assert BlogGeneration.objects.count() == 1


def test_wix_is_told_to_send_a_webhook_again(settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [wix_webhooks.public_key()]
    sent = wix_webhooks.token("AppRemoved", uuid.uuid4())
    demote()

    assert problem(post(sent), 503, "database_unavailable")["retryable"] is True
    assert post(sent).status_code == 200


def test_staff_are_told_so_too() -> None:
    User.objects.create_superuser("ada", password="a long password")
    desk = Client(raise_request_exception=False)
    demote()

    answer = desk.post("/admin/login/", {"username": "ada", "password": "a long password", "next": "/admin/"})

    assert problem(answer, 503, "database_unavailable")
    assert int(answer["Retry-After"]) > 0


def test_health_says_that_nothing_can_be_written_until_it_can() -> None:
    demote()

    told = Client().get("/health")

    assert (told.status_code, told.json()) == (503, {"status": "down", "database": "read-only"})
    assert Client().get("/health").json()["database"] == "ok"


@pytest.mark.parametrize("state", ["53100", "53200", "58030"])
def test_health_says_that_the_database_has_no_room_until_it_is_well_for_a_minute(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute(f"DO $do$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '{state}'; END $do$")

    told = Client().get("/health")

    assert (told.status_code, told.json()["status"], told.json()["database"]) == (200, "degraded", "exhausted")
    monkeypatch.setattr(outage, "_LATELY_SECONDS", 0.0)
    assert Client().get("/health").json()["database"] == "ok"


def test_a_worker_loses_no_outcome() -> None:
    generation = factories.processing_generation()
    demote()

    lifecycle.retry_later(generation, TransientError("timeout", "It took too long."))

    assert BlogGeneration.objects.get(pk=generation.pk).status == Status.PENDING
