"""Many blogs by one request: each is taken or refused by itself, and none twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blogs.models import BlogGeneration
from credits.models import Credit
from tests.support import factories
from tests.support.problems import problem, refused_fields
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db

_KEY = {"Idempotency-Key": "spring"}


def _wish(number: Any, **more: Any) -> dict[str, Any]:
    return {"sourceType": "keyword", "sourceId": f"wool {number}", **more}


def _bulk(api: Any, site: Any, body: Any, headers: Any = _KEY) -> Any:
    client = Client(raise_request_exception=False)
    sent = {**api(site).headers, **headers}
    return client.post("/api/blog-generation/bulk", body, content_type="application/json", headers=sent)


def test_each_is_taken_or_refused_by_itself_in_order(api: Any) -> None:
    site = factories.site(credits=50)
    wishes = [_wish(0), _wish(1, tune="x"), "nonsense", _wish(3, metadata={"n": "3"}), _wish(4)]

    answer = _bulk(api, site, {"blogs": wishes})

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["total"], body["accepted"], body["refused"]) == (5, 2, 3)
    assert [result["index"] for result in body["results"]] == [0, 1, 2, 3, 4]
    assert [result["status"] for result in body["results"]] == [201, 400, 400, 201, 402]
    codes = [result["error"]["code"] for result in body["results"] if "error" in result]
    assert codes == ["invalid", "invalid", "insufficient_credits"]
    assert body["results"][1]["error"]["errors"][0]["field"] == "tune"
    taken = [result["blog"] for result in body["results"] if "blog" in result]
    assert [(blog["sourceId"], blog["queuePosition"], blog["creditsHeld"]) for blog in taken] == [
        ("wool 0", 1, 25),
        ("wool 3", 2, 25),
    ]
    assert list(BlogGeneration.objects.order_by("pk").values_list("pk", flat=True)) == [blog["id"] for blog in taken]


def test_the_same_key_again_is_the_same_blogs_and_what_was_refused_is_tried_again(api: Any) -> None:
    site = factories.site(credits=50)
    body = {"blogs": [_wish(number) for number in range(3)]}
    first = _bulk(api, site, body).json()
    again = _bulk(api, site, body)

    assert (again["Idempotency-Replayed"], again.json()) == ("true", {**first, "results": again.json()["results"]})
    assert [result.get("blog") for result in again.json()["results"]] == [
        result.get("blog") for result in first["results"]
    ]
    assert Credit.objects.filter(kind="hold").count() == 2

    other = _bulk(api, site, {"blogs": [_wish("other"), _wish(1)]}).json()
    assert [result["status"] for result in other["results"]] == [422, 201]
    assert BlogGeneration.objects.count() == 2


def test_a_hundred_wait_for_the_disk_once(api: Any) -> None:
    site = factories.site(credits=2_500)
    with CaptureQueriesContext(connection) as sent:
        answer = _bulk(api, site, {"blogs": [_wish(number) for number in range(100)]})

    assert answer.json()["accepted"] == 100
    asynchronous = [query for query in sent if "synchronous_commit = off" in query["sql"]]
    assert len(asynchronous) >= 100
    assert BlogGeneration.objects.filter(site=site, ready=True).count() == site.line.waiting == 100


@pytest.mark.parametrize(
    "body", [{}, {"blogs": []}, {"blogs": [_wish(0)] * 101}, {"blogs": {}}, {"blogs": None}, {"blogs": "x"}]
)
def test_no_wishes_or_too_many_are_refused_at_once(api: Any, body: Any) -> None:
    assert refused_fields(_bulk(api, factories.site(), body)) == {"blogs": "invalid"}
    assert not BlogGeneration.objects.exists()


def test_a_misspelt_name_and_a_missing_key_are_refused(api: Any) -> None:
    site = factories.site()

    assert refused_fields(_bulk(api, site, {"blog": [_wish(0)]}))["blog"] == "unknown"
    assert refused_fields(_bulk(api, site, {"blogs": [_wish(0)]}, {})) == {"Idempotency-Key": "required"}
    problem(_bulk(api, site, [_wish(0)]), 400, "invalid")
    assert not BlogGeneration.objects.exists()


def test_a_full_queue_refuses_the_rest_and_says_when_to_come_back(api: Any, settings: Any) -> None:
    settings.BLOG_QUEUE_LIMIT = 4
    site = factories.site()

    results = _bulk(api, site, {"blogs": [_wish(number) for number in range(4)]}).json()["results"]

    assert [result["status"] for result in results] == [201, 201, 503, 503]
    assert results[3]["error"]["code"] == "site_queue_full"
    assert results[3]["error"]["retryAfterSeconds"] > 0


@pytest.mark.django_db(transaction=True)
def test_one_bulk_request_that_comes_twice_at_once_is_taken_once(api: Any) -> None:
    site = factories.site(credits=125)
    wishes = {"blogs": [_wish(number) for number in range(10)]}

    def ask() -> Any:
        return _bulk(api, site, wishes)

    answers = [answer.json() for answer in at_once(ask, ask, ask)]

    stored = list(BlogGeneration.objects.filter(site=site).order_by("id").values_list("id", flat=True))
    assert len(stored) == Credit.objects.filter(account__site=site, kind="hold").count() == 5
    told = {result["blog"]["id"] for answer in answers for result in answer["results"] if "blog" in result}
    assert told == set(stored)
    again = ask().json()
    for answer in answers:
        for result, final in zip(answer["results"], again["results"], strict=True):
            assert result["status"] in (201, 402)
            assert result["status"] == 402 or result["blog"] == final["blog"]
