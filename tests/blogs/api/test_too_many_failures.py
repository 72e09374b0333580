"""A shop may have us do only so much for nothing in a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from blogs import queue
from blogs.models import BlogGeneration, Stage
from blogs.queue import lifecycle
from blogs.queue.failures import OF_THE_SHOP
from credits.models import CreditAccount
from tests.support import factories
from tests.support.api import Api
from tests.support.problems import problem
from wix.models import Site
from workers.errors import PermanentError

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(settings: Any) -> Site:
    settings.BLOG_FAILED_LIMIT_PER_SITE = 3
    return factories.site()


def fail(shop: Site, times: int, code: str = "content_invalid", stage: Stage = Stage.ARTICLE) -> None:
    for _ in range(times):
        failed = factories.failed_generation(shop, code)
        BlogGeneration.objects.filter(pk=failed.pk).update(stage=stage)


def age(hours: float) -> None:
    BlogGeneration.objects.update(finished_at=F("finished_at") - timedelta(hours=hours))


@pytest.mark.parametrize("code", OF_THE_SHOP)
def test_a_shop_whose_blogs_keep_failing_is_refused_with_nothing_held(api: type[Api], shop: Site, code: str) -> None:
    fail(shop, 3, code)

    answer = api(shop).post()

    assert problem(answer, 429, "too_many_failures")["retryable"] is True
    assert 86_000 < int(answer["Retry-After"]) <= 86_400
    assert CreditAccount.objects.get(site=shop).held == 0
    assert BlogGeneration.objects.count() == 3


def test_one_more_may_fail(api: type[Api], shop: Site) -> None:
    fail(shop, 2)

    assert api(shop).post().status_code == 201


def test_another_shop_is_served(api: type[Api], shop: Site) -> None:
    fail(shop, 3)

    assert api(factories.site()).post().status_code == 201


def test_after_a_day_it_is_served_again(api: type[Api], shop: Site) -> None:
    fail(shop, 2)
    age(23)
    fail(shop, 1)
    answer = api(shop).post()
    assert problem(answer, 429, "too_many_failures")
    assert 3_500 < int(answer["Retry-After"]) <= 3_600

    age(1.1)

    assert api(shop).post().status_code == 201


def test_scheduling_is_no_way_round(api: type[Api], shop: Site) -> None:
    fail(shop, 3)
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()

    problem(
        api(shop).post({"sourceType": "keyword", "sourceId": "wool", "scheduledAt": tomorrow}), 429, "too_many_failures"
    )


def test_a_repeated_request_is_still_answered_with_its_blog(api: type[Api], shop: Site) -> None:
    client = api(shop)
    key = {"Idempotency-Key": "spring"}
    asked = client.post(**key).json()["id"]
    (claimed,) = queue.claim(factories.WorkerFactory.create(), 1)
    lifecycle.checkpoint(claimed, Stage.PRODUCTS, {}, next_stage=Stage.IDEA)
    lifecycle.fail(claimed, PermanentError("content_refused", "No."))
    fail(shop, 2)

    assert client.post(**key).json()["id"] == asked
    problem(client.post(), 429, "too_many_failures")


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        ("source_not_found", Stage.PRODUCTS),
        ("wix_rejected", Stage.PRODUCTS),
        ("provider_down", Stage.ARTICLE),
        ("internal", Stage.ARTICLE),
        ("rescued_too_often", Stage.ARTICLE),
        ("timeout", Stage.DRAFT),
    ],
)
def test_what_cost_nothing_and_what_was_no_fault_of_the_shop_does_not_count(
    api: type[Api], shop: Site, code: str, stage: Stage
) -> None:
    fail(shop, 5, code, stage)

    assert api(shop).post().status_code == 201


def test_a_shop_that_has_paid_for_as_many_is_served(api: type[Api], shop: Site) -> None:
    for _ in range(4):
        factories.done_generation(shop)
    fail(shop, 4)
    assert api(shop).post().status_code == 201
    queue.claim(factories.WorkerFactory.create(), 1)

    fail(shop, 1)

    problem(api(shop).post(), 429, "too_many_failures")


def test_the_limit_can_be_taken_away(api: type[Api], shop: Site, settings: Any) -> None:
    settings.BLOG_FAILED_LIMIT_PER_SITE = 0
    fail(shop, 4)

    assert api(shop).post().status_code == 201
    assert "shop_fails" not in str(Client().get("/health").json())


def test_operators_are_alerted(shop: Site) -> None:
    fail(shop, 3)
    fail(factories.site(), 2)

    alerts = {alert["name"]: alert["message"] for alert in Client().get("/health").json()["alerts"]}

    assert alerts["shop_fails"].startswith("1 shops get no new blogs: 3 or more")
