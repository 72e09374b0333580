"""Calls that would leave later than the place that was reserved for them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from workers import outbound
from workers.context.departure import timeouts
from workers.errors import RateLimited, WorkError
from workers.limits import Limit
from workers.limits.provider_calls import Usage
from workers.models import RateLimitUsage
from workers.outbound import Call, Provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fast_limits")]


class Wrapped(Exception):
    """As a library may make of whatever its transport raises."""


def explain(error: Exception) -> WorkError:
    raise AssertionError("nothing has left that could be explained")


SLOW = Provider("openai", raises=(Wrapped,), explain=explain)


class Library:
    """Busy for longer than the place waits, a number of times at first."""

    def __init__(self, late: int, seconds: float) -> None:
        self.late, self.seconds = late, seconds
        self.left = 0

    def __call__(self, call: Call) -> str:
        call.usage = Usage("article:short")
        if self.late:
            self.late -= 1
            began = time.monotonic()
            while time.monotonic() <= began + self.seconds:
                pass
        try:
            timeouts()
        except Exception as error:
            raise Wrapped from error
        self.left += 1
        return "an answer"


def reserved() -> int:
    return sum(RateLimitUsage.objects.values_list("requests", flat=True))


def test_a_call_that_has_missed_its_place_gets_another_and_is_made_once(settings: Any) -> None:
    library = Library(late=2, seconds=settings.RATE_LIMIT_LATE_SECONDS)

    assert outbound.call(SLOW, "ask", library, limit=Limit("openai"), seconds=5, tokens=10) == "an answer"

    assert library.left == 1
    assert reserved() >= 3


def test_a_machine_that_is_late_each_time_puts_the_work_off(settings: Any) -> None:
    library = Library(late=100, seconds=settings.RATE_LIMIT_LATE_SECONDS)

    with pytest.raises(RateLimited):
        outbound.call(SLOW, "ask", library, limit=Limit("openai"), seconds=5, tokens=10)

    assert library.left == 0
