"""What an answer was refused for reaches the next try's prompt, as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from tests.support.front import Front
from wix.models import Site


def data_of(request: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        request["body"]["messages"][1]["content"].partition("<data>")[2].partition("</data>")[0]
    )
    return told


def without_sections_once() -> Any:
    answers: list[Any] = []

    def change(answer: Any) -> Any:
        answers.append(answer)
        if len(answers) == 1:
            message = answer["choices"][0]["message"]
            message["content"] = json.dumps({**json.loads(message["content"]), "sections": []})
        return answer

    return change


@pytest.mark.parametrize("operation", ["idea", "article"])
def test_the_next_try_is_told_why_the_last_answer_was_refused(
    front: Front, sandbox: Sandbox, shop: Site, attempt: Attempt, operation: str
) -> None:
    if operation == "idea":
        front.on("POST", "/chat/completions", without_sections_once())
    else:
        sandbox.fault("openai", "invalid_article", "article")
    factories.pending_generation(shop)
    refused = attempt()
    assert (refused.status, refused.error_code) == (Status.PENDING, "content_invalid")

    assert attempt().status == Status.DONE

    first, second = map(data_of, sandbox.requests("openai", operation))
    assert "refused" not in first
    assert second["refused"] in refused.error_message
    assert second["refused"]
    if operation == "idea":  # the article that follows has not been refused
        assert "refused" not in data_of(sandbox.requests("openai", "article")[0])
