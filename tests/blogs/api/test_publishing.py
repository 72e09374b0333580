"""What a shop may ask of its post at Wix: the cover, the categories, and when it is published."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from blogs.models import BlogGeneration
from tests.support import factories
from tests.support.problems import refused_fields

pytestmark = pytest.mark.django_db

_PLAIN = {"sourceType": "keyword", "sourceId": "wool"}


def _days(count: float) -> str:
    return (timezone.now() + timedelta(days=count)).replace(microsecond=0).isoformat()


def test_without_a_word_it_is_a_draft_with_a_made_cover_and_no_category(api: Any) -> None:
    body = api(factories.site()).post(_PLAIN).json()

    assert (body["publish"], body["publishAt"], body["cover"], body["categories"]) == (False, None, "generated", [])
    assert (body["draftPostSlug"], body["postUrl"]) == ("", "")


def test_what_was_asked_for_is_told_back(api: Any) -> None:
    asked: dict[str, Any] = {
        "publish": True,
        "publishAt": _days(2),
        "cover": "product",
        "categories": [" News ", "Größen"],
    }

    body = api(factories.site()).post({**_PLAIN, **asked}).json()

    assert datetime.fromisoformat(body["publishAt"]) == datetime.fromisoformat(asked["publishAt"])
    assert (body["cover"], body["categories"]) == ("product", ["News", "Größen"])


def test_the_same_key_with_other_categories_is_another_request(api: Any) -> None:
    client, key = api(factories.site()), {"Idempotency-Key": "k"}
    asked = {**_PLAIN, "categories": ["News"]}
    first = client.post(asked, **key).json()

    assert client.post(asked, **key).json()["id"] == first["id"]
    assert client.post({**asked, "categories": ["Old"]}, **key).status_code == 422


def test_a_time_of_publishing_that_passed_since_does_not_keep_the_first_answer_from_coming_again(api: Any) -> None:
    client, key = api(factories.site()), {"Idempotency-Key": "k"}
    passed = timezone.now().replace(microsecond=0) - timedelta(minutes=6)
    asked = {**_PLAIN, "publish": True, "publishAt": passed.isoformat()}
    first = client.post({**asked, "publishAt": _days(1)}, **key).json()
    BlogGeneration.objects.update(publish_at=passed)

    assert client.post(asked, **key).json()["id"] == first["id"]
    assert refused_fields(client.post(asked)) == {"publishAt": "passed"}
    just_now = timezone.now() - timedelta(minutes=4)
    assert client.post({**asked, "publishAt": just_now.isoformat()}).status_code == 201


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"publishAt": _days(1)}, "publishAt"),
        ({"publish": True, "publishAt": _days(-1)}, "publishAt"),
        ({"publish": True, "publishAt": _days(1), "scheduledAt": _days(2)}, "publishAt"),
        ({"publish": True, "publishAt": "2030-01-01T09:00:00"}, "publishAt"),
        ({"cover": "none"}, "cover"),
        ({"categories": "News"}, "categories"),
        ({"categories": [str(number) for number in range(11)]}, "categories"),
        ({"categories": ["x" * 36]}, "categories"),
        ({"categories": ["a\u202eb"]}, "categories"),
        ({"categories": [""]}, "categories"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(api: Any, asked: dict[str, Any], field: str) -> None:
    response = api(factories.site()).post({**_PLAIN, **asked})

    assert response.status_code == 400, response.content
    assert all(name.startswith(field) for name in refused_fields(response))
