from __future__ import annotations

from email.utils import formatdate
from time import time
from typing import Any

import pytest

from workers.outbound import retry_after

SENT, LATER = "Wed, 25 Nov 2026 10:00:00 GMT", "Wed, 25 Nov 2026 10:00:30 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": LATER, "date": SENT}, 30.0),
        ({"retry-after": SENT, "date": LATER}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_every_form_is_understood_and_nonsense_is_none(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after.seconds(headers) == expected


def test_a_date_without_the_senders_clock_is_taken_by_ours() -> None:
    assert retry_after.seconds({"retry-after": formatdate(time() + 30, usegmt=True)}) == pytest.approx(30, abs=5)


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "31536000"},
        {"retry-after": "99999999999999"},
        {"retry-after": "1e300"},
        {"retry-after-ms": "1e300"},
        {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": SENT},
    ],
)
def test_no_wait_is_believed_beyond_two_hours(headers: dict[str, str], settings: Any) -> None:
    assert retry_after.seconds(headers) == 7_200
    settings.RETRY_AFTER_MAX_SECONDS = 60
    assert retry_after.seconds(headers) == 60


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 99 Dec 2026 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -9999999",
        "Sat, 01 Jan 0001 00:00:00 +2359",
        ",",
        "\x00",
        "1" * 5_000,
    ],
)
def test_a_date_that_no_clock_holds_ends_no_call(date: str) -> None:
    wait = retry_after.seconds({"retry-after": date})

    assert wait is None or 0 <= wait <= 7_200
