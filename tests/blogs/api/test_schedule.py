from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import problem, refused_fields

pytestmark = pytest.mark.django_db


def _scheduled(moment: Any) -> dict[str, Any]:
    return {"sourceType": "keyword", "sourceId": "wool", "scheduledAt": moment}


def test_a_scheduled_blog_holds_its_credits_but_stands_in_no_line(api: Any) -> None:
    site = factories.site(credits=25)
    moment = timezone.now().replace(microsecond=0) + timedelta(days=1)

    body = api(site).post(_scheduled(moment.isoformat())).json()

    generation = BlogGeneration.objects.get(pk=body["id"])
    assert (generation.ready, generation.run_after, generation.scheduled_at) == (False, moment, moment)
    assert (body["queuePosition"], body["estimatedWaitSeconds"], body["creditsHeld"]) == (None, None, 25)
    assert datetime.fromisoformat(body["scheduledAt"]) == moment
    assert site.line.waiting == 0


def test_an_offset_is_understood(api: Any) -> None:
    in_berlin = (timezone.now() + timedelta(days=1)).replace(tzinfo=None, microsecond=0).isoformat() + "+01:00"

    body = api(factories.site()).post(_scheduled(in_berlin)).json()

    assert datetime.fromisoformat(body["scheduledAt"]) == datetime.fromisoformat(in_berlin).astimezone(UTC)


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(minutes=4)])
def test_a_time_that_has_just_passed_is_now(api: Any, late: timedelta) -> None:
    moment = timezone.now() - late

    body = api(factories.site()).post(_scheduled(moment.isoformat())).json()

    assert body["queuePosition"] == 1
    assert datetime.fromisoformat(body["scheduledAt"]) == moment


def test_null_is_now(api: Any) -> None:
    assert api(factories.site()).post(_scheduled(None)).json()["queuePosition"] == 1


@pytest.mark.parametrize("away", [timedelta(minutes=-6), timedelta(days=-400), timedelta(days=367)])
def test_a_time_long_ago_or_far_away_is_a_mistake(api: Any, away: timedelta) -> None:
    response = api(factories.site()).post(_scheduled((timezone.now() + away).isoformat()))

    assert set(refused_fields(response)) == {"scheduledAt"}


@pytest.mark.parametrize(
    "moment",
    [
        "2026-12-24T09:00:00",
        "2026-12-24",
        "tomorrow",
        "",
        "2026-13-45T99:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-12-24T09:00:00Z\u0000",
        1_800_000_000,
        1e300,
        True,
        [],
        {},
    ],
)
def test_what_is_no_time_with_an_offset_is_refused(api: Any, moment: Any) -> None:
    response = api(factories.site()).post(_scheduled(moment))

    assert set(refused_fields(response)) == {"scheduledAt"}
    assert not BlogGeneration.objects.exists()


def test_a_site_may_schedule_a_limited_number(api: Any, settings: Any) -> None:
    settings.BLOG_SCHEDULED_LIMIT_PER_SITE = 2
    client, other = api(factories.site()), api(factories.site())
    tomorrow = _scheduled((timezone.now() + timedelta(days=1)).isoformat())
    for _ in range(2):
        assert client.post(tomorrow).status_code == 201

    refused = client.post(tomorrow)

    assert problem(refused, 503, "schedule_full")["retryable"] is True
    assert int(refused["Retry-After"]) > 0
    assert client.post().status_code == 201
    assert other.post(tomorrow).status_code == 201
