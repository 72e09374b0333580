from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from blogs.models import BlogGeneration, Stage
from blogs.queue import lifecycle
from tests.docs import pages
from tests.support import factories
from tests.support.problems import problem
from workers.errors import TransientError

pytestmark = pytest.mark.django_db

_FINISHED = [factories.done_generation, factories.failed_generation]


def _path(generation: BlogGeneration) -> str:
    return f"/api/blog-generation/{generation.pk}"


def test_the_page_for_integrators_names_the_texts_that_are_empty_and_not_null(api: Any) -> None:
    told = re.search(r'it is `""`: (.*?)\. In webhooks', " ".join(pages.part("docs/api.md", "Follow it").split()))

    blog = api(factories.site()).post({"sourceType": "keyword", "sourceId": "wool"}).json()

    assert told
    assert {name for name, value in blog.items() if value == ""} == set(pages.code(told[1]))


def test_a_waiting_blog_says_where_it_stands_and_when_to_ask_again(api: Any) -> None:
    site = factories.site()
    factories.pending_generation(site)
    second = factories.pending_generation(site)

    response = api(site).get(_path(second))

    body = response.json()
    assert (body["status"], body["queuePosition"], body["creditsHeld"]) == ("PENDING", 2, 25)
    assert 5 <= int(response["Retry-After"]) <= 60


def test_a_running_blog_has_no_position(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)

    response = api(site).get(_path(generation))

    body = response.json()
    assert (body["status"], body["stage"], body["attempts"]) == ("PROCESSING", "products", 1)
    assert (body["queuePosition"], body["estimatedWaitSeconds"], body["creditsHeld"]) == (None, None, 25)
    assert body["startedAt"] is not None
    assert "Retry-After" in response


def test_a_finished_blog_leads_to_its_draft(api: Any) -> None:
    site = factories.site()
    generation = factories.done_generation(site)

    response = api(site).get(_path(generation))

    body = response.json()
    assert (body["status"], body["creditsHeld"], body["error"]) == ("DONE", 0, None)
    assert body["draftPostId"] == str(generation.draft_post_id)
    assert body["draftPostUrl"] == "https://shop.example/post/x"
    assert body["finishedAt"] is not None
    assert "Retry-After" not in response


def test_a_failed_blog_says_why_and_holds_nothing(api: Any) -> None:
    site = factories.site()
    generation = factories.failed_generation(site, code="content_refused")

    body = api(site).get(_path(generation)).json()

    assert (body["status"], body["creditsHeld"]) == ("FAILED", 0)
    assert body["error"] == {"code": "content_refused", "message": "It was refused.", "stage": "products"}


def test_a_blog_that_is_tried_again_says_why(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)
    lifecycle.retry_later(generation, TransientError("openai_unreachable", "OpenAI did not answer."))

    body = api(site).get(_path(generation)).json()

    assert (body["status"], body["queuePosition"], body["creditsHeld"]) == ("PENDING", None, 25)
    assert body["error"]["code"] == "openai_unreachable"


def test_warnings_are_told(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)
    warning = TransientError("no_image", "The image did not come.")
    lifecycle.checkpoint(generation, Stage.IMAGE, {}, next_stage=Stage.DRAFT, warnings=[warning])

    body = api(site).get(_path(generation)).json()

    assert body["warnings"] == [{"stage": "image", "code": "no_image", "message": "The image did not come."}]


def test_a_warning_is_told_no_more_once_its_step_was_mended(api: Any) -> None:
    done = factories.done_generation()
    for kind, stage, code in (
        ("warning", "image", "no_image"),
        ("warning", "publish", "wix_unavailable"),
        ("published", "publish", ""),
    ):
        done.events.create(kind=kind, stage=stage, code=code, message="x")

    told = api(done.site).get(f"/api/blog-generation/{done.pk}").json()["warnings"]

    assert [warning["code"] for warning in told] == ["no_image"]


def test_a_wish_to_cancel_is_shown(api: Any) -> None:
    site = factories.site()
    generation = factories.processing_generation(site)
    assert api(site).get(_path(generation)).json()["cancelRequested"] is False

    lifecycle.cancel(generation.pk, by="support")

    assert api(site).get(_path(generation)).json()["cancelRequested"] is True


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("make", [factories.pending_generation, *_FINISHED])
def test_the_blog_of_another_site_is_not_found(api: Any, make: Any, slash: str) -> None:
    generation = make(factories.site())

    response = api(factories.site()).get(_path(generation) + slash)

    problem(response, 404, "not_found")


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "999999999999999999",
        "9223372036854775808",
        "9" * 400,
        "-1",
        "1.5",
        "abc",
        "1e3",
        "%00",
        "%ED%A0%80",
        "1%2F2",
        "'",
    ],
)
def test_a_number_that_no_blog_has_is_not_found(api: Any, number: str) -> None:
    response = api(factories.site()).get(f"/api/blog-generation/{number}")

    problem(response, 404, "not_found")


def test_without_a_token_nothing_is_shown() -> None:
    generation = factories.done_generation()

    response = Client().get(_path(generation))

    problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")
