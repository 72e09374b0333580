"""Single values out of what Wix sends: each is read where it has the right form, and is nothing where it has not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from wix.client import fields
from workers.errors import TransientError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", "x", 7, True, [], {}, b"x", "0" * 33, UUID(int=1)])
def test_what_is_no_uuid_is_none(value: Any) -> None:
    assert fields.uuid_or_none(value) is None


def test_a_uuid_is_read_with_and_without_hyphens() -> None:
    assert fields.uuid_or_none(str(UUID(int=1))) == fields.uuid_or_none(UUID(int=1).hex) == UUID(int=1)


@pytest.mark.parametrize("value", ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00", "2026-03-01T13:00:00.000+01:00"])
def test_a_moment_is_in_utc_whatever_zone_it_names(value: str) -> None:
    assert fields.moment(value) == NOON
    assert fields.moment(value).tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "value", [None, "", "soon", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", 1772366400, []]
)
def test_what_names_no_moment_is_none(value: Any) -> None:
    assert fields.moment(value) is None


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e20, 10**400])
def test_a_timestamp_beyond_all_times_is_none(seconds: float) -> None:
    assert fields.moment_of_epoch(NOON.timestamp()) == NOON
    assert fields.moment_of_epoch(seconds) is None


def test_a_number_may_come_as_a_string() -> None:
    assert [fields.number(value) for value in (7, 7.5, "7", " 7 ")] == [7, 7.5, 7, 7]
    odd: list[Any] = [None, True, "", "x", "nan", "inf", 10**400, []]
    assert [fields.number(value) for value in odd] == [None] * 8


def test_an_answer_of_another_shape_is_tried_again() -> None:
    assert fields.pick({"files": [{"id": "a"}]}, "files", 0, "id") == "a"
    answers: list[Any] = [{}, {"files": []}, {"files": None}, {"files": [7]}, []]
    for answer in answers:
        with pytest.raises(TransientError, match=r"lacks files\.0\.id"):
            fields.pick(answer, "files", 0, "id")
