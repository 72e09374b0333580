from __future__ import annotations

from email.utils import formatdate
from time import time

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
