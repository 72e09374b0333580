"""The text of an answer, in the forms in which servers that speak OpenAI's language send it."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.providers.openai_answers import Truncated, finished_text
from workers.errors import AccountRefused, PermanentError, ProviderFailure, RequestRefused
from workers.outbound import Call

JSON = '{"title": "A {brace} and a ``` fence"}'


def text_of(content: Any, reason: Any = "stop", **message: Any) -> str:
    answer = {"choices": [{"message": {"content": content, **message}, "finish_reason": reason}]}
    return finished_text(answer, Call())


@pytest.mark.parametrize(
    "content",
    [
        JSON,
        f"\ufeff\n {JSON}\n",
        f"```json\n{JSON}\n```",
        f"```\n{JSON}\n```\n",
        f"```JSON {JSON} ```",
        f"Here it is:\n```json\n{JSON}\n```\nI hope this helps.",
        f"Sure! {JSON}",
        f"<think>Is it {{1}} or {{2}}?</think>\n{JSON}",
        f"{JSON}\n```",
        [{"type": "text", "text": JSON}],
        [{"type": "text", "text": JSON[:9]}, {"type": "text", "text": JSON[9:]}],
        [JSON[:9], {"type": "output_text", "text": JSON[9:]}, None, {"type": "image"}],
        [{"type": "text", "text": f"```json\n{JSON}\n```"}],
        {"title": "A {brace} and a ``` fence"},
    ],
)
def test_json_in_a_wrapper_is_still_that_json(content: Any) -> None:
    assert text_of(content) == JSON


def test_what_holds_no_object_is_left_as_it_is() -> None:
    assert text_of("I would rather not.") == "I would rather not."


@pytest.mark.parametrize(
    ("content", "reason", "message"),
    [
        (None, "stop", {"refusal": "No."}),
        (None, "stop", {"provider_specific_fields": {"refusal": "No."}}),
        ([{"type": "refusal", "refusal": "No."}], "stop", {}),
        (JSON, "content_filter", {}),
        (None, "SAFETY", {}),
        (None, "content_filter: RECITATION", {}),
        (None, "guardrail_intervened", {}),
        (None, "refusal", {}),
    ],
)
def test_a_refusal_of_the_topic_in_any_form(content: Any, reason: str, message: dict[str, Any]) -> None:
    with pytest.raises(PermanentError) as refused:
        text_of(content, reason, **message)

    assert refused.value.code == "content_refused"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"])
def test_an_answer_that_was_cut(reason: str) -> None:
    with pytest.raises(Truncated):
        text_of(JSON[:9], reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "stop"),
        (None, "stop"),
        ([], "stop"),
        ([{"text": 1}], "stop"),
        (1, "stop"),
        (JSON, "tool_calls"),
        (JSON, None),
    ],
)
def test_an_unfinished_answer(content: Any, reason: Any) -> None:
    with pytest.raises(ProviderFailure):
        text_of(content, reason)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([], ProviderFailure),
        ({}, ProviderFailure),
        ({"choices": [None]}, ProviderFailure),
        ({"error": {"message": "upstream timed out"}}, ProviderFailure),
        ({"error": {"code": 402, "message": "Insufficient credits"}}, AccountRefused),
        ({"error": {"code": 400, "message": "odd"}}, RequestRefused),
    ],
)
def test_a_refusal_under_the_status_200(answer: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        finished_text(answer, Call())
