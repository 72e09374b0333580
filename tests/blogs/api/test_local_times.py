"""Times as callers say them: RFC 3339, or the clocks of a place, also on the days on which those are changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tests.support import factories
from tests.support.problems import refused_fields

pytestmark = pytest.mark.django_db

_GOOD = {"sourceType": "keyword", "sourceId": "wool"}


def _post(api: Any, now: str, **fields: Any) -> Any:
    with time_machine.travel(datetime.fromisoformat(now).replace(tzinfo=UTC), tick=False):
        return api(factories.site()).post({**_GOOD, **fields})


@pytest.mark.parametrize(
    ("zone", "said", "utc", "shown"),
    [
        ("Europe/Berlin", "2026-12-24T09:00:00", "2026-12-24T08:00:00Z", "2026-12-24T09:00:00+01:00"),
        ("Europe/Berlin", "2026-12-24T09:00", "2026-12-24T08:00:00Z", "2026-12-24T09:00:00+01:00"),
        # Skipped: the clocks go from 02:00 to 03:00.
        ("Europe/Berlin", "2027-03-28T02:30:00", "2027-03-28T01:30:00Z", "2027-03-28T03:30:00+02:00"),
        # Repeated: the clocks go from 03:00 back to 02:00. The first is meant.
        ("Europe/Berlin", "2027-10-31T02:30:00", "2027-10-31T00:30:00Z", "2027-10-31T02:30:00+02:00"),
        # Iran has not changed its clocks since 2022.
        ("Asia/Tehran", "2027-03-22T00:30:00", "2027-03-21T21:00:00Z", "2027-03-22T00:30:00+03:30"),
    ],
)
def test_a_local_time_is_placed_in_its_zone_and_both_are_shown(
    api: Any, zone: str, said: str, utc: str, shown: str
) -> None:
    blog = _post(api, "2026-12-01" if "2026" in said else "2027-03-01", scheduledAt=said, timeZone=zone).json()

    assert (blog["scheduledAt"], blog["scheduledAtLocal"], blog["timeZone"]) == (utc, shown, zone)


@pytest.mark.parametrize(
    ("said", "utc", "shown"),
    [
        ("2022-03-22T00:30:00", "2022-03-21T21:00:00Z", "2022-03-22T01:30:00+04:30"),
        ("2022-09-21T23:30:00", "2022-09-21T19:00:00Z", "2022-09-21T23:30:00+04:30"),
    ],
    ids=["skipped", "repeated"],
)
def test_tehran_changed_its_clocks_at_midnight(api: Any, said: str, utc: str, shown: str) -> None:
    blog = _post(api, "2022-03-01", publish=True, publishAt=said, timeZone="Asia/Tehran").json()

    assert (blog["publishAt"], blog["publishAtLocal"]) == (utc, shown)


@pytest.mark.parametrize(
    "said",
    [
        "2026-12-24T08:00:00Z",
        "2026-12-24t08:00:00z",
        "2026-12-24 08:00:00Z",
        "2026-12-24T08:00:00.000000000Z",
        "2026-12-24T09:00:00+01:00",
        # Not of RFC 3339. `strftime("%z")` writes it so, and it was always taken.
        "2026-12-24T09:00:00+0100",
        "2026-12-23T22:30:00-09:30",
        "2026-12-24T07:59:60Z",
    ],
)
def test_every_form_of_rfc_3339_is_the_same_moment(api: Any, said: str) -> None:
    blog = _post(api, "2026-12-01", scheduledAt=said).json()

    assert (blog["scheduledAt"], blog["scheduledAtLocal"], blog["timeZone"]) == ("2026-12-24T08:00:00Z", None, None)


def test_an_offset_says_the_moment_and_the_zone_how_it_is_shown(api: Any) -> None:
    blog = _post(api, "2026-12-01", scheduledAt="2026-12-24T08:00:00Z", timeZone="Asia/Tehran").json()

    assert (blog["scheduledAt"], blog["scheduledAtLocal"]) == ("2026-12-24T08:00:00Z", "2026-12-24T11:30:00+03:30")


@pytest.mark.parametrize(
    "said",
    [
        "20261224T080000Z",
        "2026-W52-4T08:00:00Z",
        "2026-12-24T08Z",
        "2026-12-24T08:00:00+01",
        "2026-12-24T08:00:00+25:00",
        "2026-12-24T08:00:00+01:75",
        "2026-12-24T24:00:00Z",
        "2026-02-30T08:00:00Z",
        "٢٠٢٦-12-24T08:00:00Z",
        "2026-12-24T08:00:00Z ",
    ],
)
def test_other_forms_are_refused(api: Any, said: str) -> None:
    assert refused_fields(_post(api, "2026-12-01", scheduledAt=said)) == {"scheduledAt": "invalid"}


@pytest.mark.parametrize(
    "zone", ["", "CEST", "Berlin", "europe/berlin", "../etc/passwd", "localtime", "UTC+1", "x" * 99, "\x00"]
)
def test_what_is_no_time_zone_is_refused(api: Any, zone: str) -> None:
    response = _post(api, "2026-12-01", scheduledAt="2026-12-24T08:00:00", timeZone=zone)

    assert set(refused_fields(response)) == {"timeZone"}


def test_a_local_time_needs_a_zone_and_a_zone_a_time(api: Any) -> None:
    assert refused_fields(_post(api, "2026-12-01", scheduledAt="2026-12-24T08:00:00")) == {"scheduledAt": "offset"}
    assert refused_fields(_post(api, "2026-12-01", timeZone="Europe/Berlin")) == {"timeZone": "needs_time"}


def test_a_local_time_is_held_against_the_same_bounds(api: Any) -> None:
    far, past = "2028-12-24T08:00:00", "2026-11-30T08:00:00"

    for said, code in (
        (far, "far"),
        (past, "passed"),
        ("9999-12-31T23:59:59", "far"),
        ("0001-01-01T00:00:00", "passed"),
    ):
        response = _post(api, "2026-12-01", scheduledAt=said, timeZone="Europe/Berlin")
        assert refused_fields(response) in ({"scheduledAt": code}, {"scheduledAt": "invalid"}), said
