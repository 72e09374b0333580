"""Answers of another shape than the documented one: they are their provider's failure, and no bug of ours.

Each place that a stage reads is given another type once. The blog then goes on without that part, or tries again: the code
`internal` would have an engineer look for a fault that isn't ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import Cover, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.books import last_event
from tests.support.blogs.pipeline import Attempt, free_and_balance, warnings
from tests.support.front import Answer, Change, Front
from wix.client import wire
from wix.models import Catalogue, Site


def at(*path: str | int, value: Any) -> Change:
    """Put a value at a place of an answer."""

    def changed(answer: Any) -> Any:
        found = answer
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value
        return answer

    return changed


DRAFTS, MEMBERS = r"/blog/v3/draft-posts$", r"/members/query"
FILE, SIZE = r"/get-file-by-id", ("file", "media", "image", "image")


@pytest.mark.parametrize(
    ("method", "path", "change"),
    [
        ("POST", r"/stores/v3/products/query", at("products", value=7)),
        ("POST", r"/stores/v3/products/query", at("pagingMetadata", value=[1])),
        ("POST", r"/predictions$", lambda _: [1]),
        ("GET", FILE, at(*SIZE[:2], value=1.5)),
        ("GET", FILE, at(*SIZE, value={"width": "wide", "height": [1]})),
        ("POST", MEMBERS, at("members", value=True)),
        ("POST", MEMBERS, at("members", value=["me"])),
        ("POST", r"/members/v1/members$", at("member", "id", value="../me")),
        ("POST", r"/tags/query", at("tags", value=0.5)),
        ("POST", r"/tags/query", at("tags", value=["a", {"label": [1], "id": "x" * 99}])),
        ("POST", r"/blog/v3/tags$", at("tag", "id", value="x" * 99)),
        ("POST", DRAFTS, at("draftPost", value="done")),
        ("POST", DRAFTS, at("draftPost", "id", value="../../x?y")),
        ("POST", DRAFTS, at("draftPost", "url", value=[1])),
        ("GET", r"/blog/v3/draft-posts/", at("draftPost", value=None)),
        ("GET", r"/blog/v3/draft-posts/", at("draftPost", "media", value="m")),
        ("GET", r"/blog/v3/draft-posts/", at("draftPost", "tagIds", value=5)),
        ("POST", r"/publish$", at("postId", value={"id": 1})),
        ("GET", r"/blog/v3/posts/", at("post", value="x")),
        ("POST", r"/oauth2/token", at("access_token", value={"a": 1})),
    ],
)
def test_wrong_types_are_no_bug_of_ours(
    front: Front, shop: Site, attempt: Attempt, method: str, path: str, change: Change, settings: Any
) -> None:
    # A file that never is ready is waited for.
    settings.WIX_MEDIA_STUCK_SECONDS = 0.5
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "media": 3}
    front.on(method, path, change)
    factories.pending_generation(shop, publish=True)

    ended = attempt()

    assert last_event(ended).code in ("", "wix_unavailable", "provider_unavailable", "media_not_ready")
    assert ended.status in (Status.DONE, Status.PENDING)
    free_and_balance(shop)


@pytest.mark.parametrize(
    "body",
    [
        {"details": {"applicationError": "no", "validationError": [1]}, "message": 7},
        {"details": {"applicationError": {"code": {"a": 1}}, "validationError": {"fieldViolations": {"0": 1}}}},
        {"details": {"validationError": {"fieldViolations": ["a", None, {"field": [1], "ruleName": {}}]}}},
        {"details": [1], "message": {"x": 1}, "error": [2]},
    ],
)
def test_a_refusal_of_any_shape_is_a_refusal(front: Front, shop: Site, attempt: Attempt, body: Any) -> None:
    front.on("POST", DRAFTS, Answer(400, body))
    factories.pending_generation(shop)

    failed = attempt()

    assert (failed.status, failed.error_code) == (Status.FAILED, "wix_rejected")
    assert free_and_balance(shop) == (1_000, 1_000)


def test_a_product_without_an_id_does_not_keep_the_others_from_the_article(
    front: Front, shop: Site, attempt: Attempt
) -> None:
    front.on("POST", r"/stores/v3/products/query", at("products", 0, "id", value={"a": 1}))
    factories.pending_generation(shop)

    done = attempt()

    assert done.status == Status.DONE
    assert Catalogue.objects.get().products == 2


def test_pages_of_nothing_but_hidden_products_come_to_an_end(
    front: Front, shop: Site, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wix.catalog.api._PAGES_MAX", 5)
    pages: list[Any] = []
    passed_on = front.answer

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if "/stores/v3/products/query" not in path:
            return passed_on(method, path, headers, body)
        pages.append(body)
        cursors = {"next": f"c{len(pages)}"}
        return Answer(200, {"products": [{"id": "p", "visible": False}], "pagingMetadata": {"cursors": cursors}})

    monkeypatch.setattr(front, "answer", answer)
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE
    assert len(pages) == 5


@pytest.mark.parametrize("mark", ["a\r\n b", "\u00fc", "m" * 5_000])
def test_a_mark_that_no_header_can_carry_is_not_sent_back(
    front: Front, shop: Site, attempt: Attempt, mark: str
) -> None:
    wire._note_written(str(shop.instance_id), mark)
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE


@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_files_host_that_is_busy_costs_no_bug_and_no_picture(
    sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str
) -> None:
    sandbox.fault("wix", "media_failed", "media_import")
    sandbox.fault("replicate", kind, "file")
    factories.pending_generation(shop, cover=Cover.GENERATED)

    waiting = attempt()

    assert waiting.status == Status.PENDING
    assert last_event(waiting).code in ("rate_limited", "provider_unavailable")
    assert warnings(waiting) == []


@pytest.mark.parametrize("number", ["", "../x?y", "a b", "x" * 101, ["a"]])
def test_an_order_that_names_no_prediction_is_replicates_failure(
    front: Front, shop: Site, attempt: Attempt, number: Any
) -> None:
    front.on("POST", r"/predictions$", at("id", value=number))
    factories.pending_generation(shop)

    assert last_event(attempt()).code == "provider_unavailable"


def test_a_prediction_whose_status_is_no_text_is_not_finished(
    front: Front, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "image": 1.5}
    front.on("GET", r"/predictions/", at("status", value=["succeeded"]))
    factories.pending_generation(shop)

    assert last_event(attempt()).code == "image_not_ready"


def test_a_number_of_five_thousand_digits_is_no_answer(front: Front, shop: Site, attempt: Attempt) -> None:
    front.on("POST", r"/chat/completions", Answer(200, b'{"id": ' + b"9" * 5_000 + b"}"))
    factories.pending_generation(shop)

    assert last_event(attempt()).code == "provider_unavailable"
