"""The language of a draft post: what was asked for, however the model spells it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import Article, Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, warnings
from tests.support.front import Answer, Front
from wix.models import Site


def spelled(language: str) -> Any:
    def change(answer: Any) -> Any:
        message = answer["choices"][0]["message"]
        content = json.loads(message["content"])
        if "language" in content:
            content["language"] = language
        message["content"] = json.dumps(content)
        return answer

    return change


@pytest.mark.parametrize(
    ("asked", "written", "sent"),
    [
        ("pt-BR", "pt_BR", "pt-BR"),
        ("en", "EN", "en"),
        ("en-us", "en_us", "en-US"),
        ("zh-TW", "zh_Hant_TW", "zh-TW"),
        ("deu", "de", "de"),
        ("tl", "fil", "tl"),
        ("nb", "no-NO-x-" + "a" * 60, "nb"),
    ],
)
def test_the_tag_that_was_asked_for_is_sent(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, asked: str, written: str, sent: str
) -> None:
    front.on("POST", "/chat/completions", spelled(written))
    factories.pending_generation(shop, language=asked, length="short")

    done = attempt()

    assert done.status == Status.DONE, done.error_message
    (draft,) = sandbox.drafts()
    assert draft["language"] == Article.objects.get(generation=done).language == sent


def test_a_language_that_wix_refuses_is_left_out(front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    asked: list[Any] = []
    field = {"field": "draftPost.language", "description": "is not a language", "violatedRule": "FORMAT"}
    refused = Answer(400, {"message": "bad", "details": {"validationError": {"fieldViolations": [field]}}})
    behind = front.answer

    def refuse_it(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if method == "POST" and path.endswith("/draft-posts"):
            asked.append(json.loads(body)["draftPost"].get("language"))
            if asked[-1]:
                return refused
        return behind(method, path, headers, body)

    front.answer = refuse_it  # type: ignore[method-assign]
    factories.pending_generation(shop, language="fil", length="short")

    done = attempt()

    assert (done.status, warnings(done)) == (Status.DONE, ["post_part_refused"])
    assert asked == ["fil", None]
    assert len(sandbox.drafts()) == 1
