"""The alert `spend`: off unless a day's budget is set, and then by what is known of today's cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.blogs.money import call, picture, price
from tests.support.factories import done_generation

pytestmark = pytest.mark.django_db


def fires() -> bool:
    return "spend" in {alert["name"] for alert in Client().get("/health").json()["alerts"]}


@pytest.fixture
def _spent() -> None:
    """Spend 1.23 $ today, a call that has no price, and 100 times as much yesterday."""
    price(input_per_million=500, output_per_million=730)
    call(done_generation())
    picture(done_generation())
    yesterday = {"at": timezone.now() - timedelta(days=1), "prompt_tokens": 100_000, "output_tokens": 100_000}
    call(done_generation(), **yesterday)


@pytest.mark.parametrize(("budget", "expected"), [(0, False), (1.22, True), (1.24, False)])
@pytest.mark.usefixtures("_spent")
def test_it_fires_beyond_the_budget_of_a_day(settings: Any, budget: float, expected: bool) -> None:
    settings.ALERT_DOLLARS_PER_DAY = budget

    assert fires() == expected


@pytest.mark.usefixtures("_spent")
def test_it_tells_strangers_no_amount(settings: Any) -> None:
    settings.ALERT_DOLLARS_PER_DAY = 0.5

    page = Client().get("/health").content.decode()

    assert "1.23" not in page
    assert "0.5" not in page


def test_without_any_price_it_is_quiet(settings: Any) -> None:
    settings.ALERT_DOLLARS_PER_DAY = 0.01
    call(done_generation())

    assert not fires()
