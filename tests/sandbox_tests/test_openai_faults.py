from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from blogs.article.schema import parse_article
from tests.sandbox import Sandbox
from tests.support.sandbox_calls import completion_request, seconds_until


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("429", openai.RateLimitError, "rate_limit_exceeded"),
        ("429_no_retry_after", openai.RateLimitError, "rate_limit_exceeded"),
        ("request_too_large", openai.RateLimitError, "rate_limit_exceeded"),
        ("429_tokens", openai.RateLimitError, "rate_limit_exceeded"),
        ("insufficient_quota", openai.RateLimitError, "insufficient_quota"),
        ("credit_balance_exhausted", openai.RateLimitError, "credit_balance_exhausted"),
        ("organization_spend_limit_exceeded", openai.RateLimitError, "organization_spend_limit_exceeded"),
        ("project_spend_limit_exceeded", openai.RateLimitError, "project_spend_limit_exceeded"),
        ("organization_usage_limit_exceeded", openai.RateLimitError, "organization_usage_limit_exceeded"),
        ("slow_down", openai.RateLimitError, "slow_down"),
        ("401", openai.AuthenticationError, "invalid_api_key"),
        ("403", openai.PermissionDeniedError, "request_forbidden"),
        ("not_found", openai.NotFoundError, "model_not_found"),
        ("500", openai.InternalServerError, None),
        ("503", openai.InternalServerError, "server_is_overloaded"),
        ("503_slow_down", openai.InternalServerError, "slow_down"),
        ("500_after_success", openai.InternalServerError, None),
    ],
)
def test_a_refusal_is_the_sdk_s_own_exception(
    sandbox: Sandbox,
    openai_client: openai.OpenAI,
    order: dict[str, Any],
    kind: str,
    error: type[openai.APIStatusError],
    code: str | None,
) -> None:
    sandbox.fault("openai", kind)

    with pytest.raises(error) as caught:
        openai_client.chat.completions.create(**completion_request(order))

    assert caught.value.code == code
    assert sandbox.stats()["violations"] == 0


def test_a_429_says_when_to_come_back_unless_it_must_not(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.fault("openai", "429", seconds=1.5)
    sandbox.fault("openai", "429_no_retry_after")

    headers = []
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as caught:
            openai_client.chat.completions.create(**completion_request(order))
        headers.append(caught.value.response.headers)

    assert (headers[0]["retry-after"], headers[0]["retry-after-ms"]) == ("2", "1500")
    assert "retry-after" not in headers[1]


def test_too_large_a_request_names_its_limit_and_its_size(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    with pytest.raises(openai.RateLimitError, match=r"Request too large .* Limit 450000, Requested 500\d{3}\."):
        openai_client.chat.completions.create(**completion_request(order, max_completion_tokens=500_000))


@pytest.mark.parametrize("kind", ["reset", "truncated", "after_success", "timeout"])
def test_a_broken_connection_is_a_connection_error(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any], kind: str
) -> None:
    sandbox.fault("openai", kind, seconds=0.05)

    with pytest.raises(openai.APIConnectionError):
        openai_client.chat.completions.create(**completion_request(order))


def test_a_silent_server_is_a_timeout(sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    sandbox.fault("openai", "timeout", seconds=60)

    with pytest.raises(openai.APITimeoutError):
        openai_client.with_options(timeout=0.1).chat.completions.create(**completion_request(order))


def test_a_dripping_answer_outlives_the_read_timeout(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.fault("openai", "drip", seconds=0.9)

    with pytest.raises(openai.APIConnectionError) as caught:
        openai_client.with_options(timeout=0.4).chat.completions.create(**completion_request(order))

    assert not isinstance(caught.value, openai.APITimeoutError)


def test_bodies_that_are_not_answers_reach_the_caller_as_the_sdk_leaves_them(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    for kind in ("invalid_json", "html", "wrong_json"):
        sandbox.fault("openai", kind)

    with pytest.raises(json.JSONDecodeError):
        openai_client.chat.completions.create(**completion_request(order))
    assert isinstance(openai_client.chat.completions.create(**completion_request(order)), str)
    assert openai_client.chat.completions.create(**completion_request(order)).choices is None


def test_refusal_and_content_filter_and_length_are_200s(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    for kind in ("refusal", "content_filter", "length"):
        sandbox.fault("openai", kind, "idea")

    answers = [openai_client.chat.completions.create(**completion_request(order)).choices[0] for _ in range(3)]

    assert [answer.finish_reason for answer in answers] == ["stop", "content_filter", "length"]
    assert answers[0].message.content is None
    assert answers[0].message.refusal
    with pytest.raises(json.JSONDecodeError):
        json.loads(answers[2].message.content or "")


def test_an_invalid_article_fits_the_schema_but_names_an_unknown_product(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.fault("openai", "invalid_article")

    openai_client.chat.completions.create(**completion_request(order, "blog_idea"))  # keeps the fault for an article
    answer = openai_client.chat.completions.create(**completion_request(order, "blog_article"))

    article = parse_article(answer.choices[0].message.content or "")
    assert [block.type for block in article.blocks] == ["product", "list"]
    assert article.blocks[0].model_dump()["product_id"] == "no-such-product"


def test_a_fault_meets_only_requests_that_contain_its_text(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.fault("openai", "500", match="poison", times=None)

    openai_client.chat.completions.create(**completion_request(order))
    with pytest.raises(openai.InternalServerError):
        openai_client.chat.completions.create(**completion_request(order | {"tone": "poison"}))
    sandbox.clear_faults()
    openai_client.chat.completions.create(**completion_request(order | {"tone": "poison"}))


@pytest.mark.parametrize(
    "fault", [("openai", "never_ready"), ("wix", "refusal"), ("unknown", "500"), ("wix", "500", "create")]
)
def test_a_fault_that_can_never_happen_is_refused(sandbox: Sandbox, fault: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="can never happen"):
        sandbox.fault(*fault)


def throttled(sandbox: Sandbox, client: openai.OpenAI, order: dict[str, Any], **positions: str) -> httpx2.Headers:
    sandbox.switch(**positions)
    sandbox.fault("openai", "429", seconds=30)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**completion_request(order))
    return caught.value.response.headers


@pytest.mark.parametrize(
    ("form", "seconds", "milliseconds"),
    [("both", "30", "30000"), ("seconds", "30", None), ("milliseconds", None, "30000"), ("none", None, None)],
)
def test_when_to_come_back_is_said_in_the_switch_s_form(
    sandbox: Sandbox,
    openai_client: openai.OpenAI,
    order: dict[str, Any],
    form: str,
    seconds: str | None,
    milliseconds: str | None,
) -> None:
    headers = throttled(sandbox, openai_client, order, openai_retry_after=form)

    assert (headers.get("retry-after"), headers.get("retry-after-ms")) == (seconds, milliseconds)


def test_when_to_come_back_may_be_a_date(sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    headers = throttled(sandbox, openai_client, order, openai_retry_after="date")

    assert 25 <= seconds_until(headers["retry-after"]) <= 31
    assert "retry-after-ms" not in headers


def test_a_real_refusal_says_it_in_the_same_form(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.switch(openai_retry_after="milliseconds")
    openai_client.chat.completions.create(**completion_request(order, max_completion_tokens=449_000))

    with pytest.raises(openai.RateLimitError) as caught:
        openai_client.chat.completions.create(**completion_request(order))

    assert 55_000 <= int(caught.value.response.headers["retry-after-ms"]) <= 60_000
    assert "retry-after" not in caught.value.response.headers


def test_limits_can_be_hidden(sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    headers = throttled(sandbox, openai_client, order, openai_limits="hidden")

    assert not [name for name in headers if name.startswith("x-ratelimit")]


def test_a_project_s_limit_is_told_beside_its_organization_s(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.switch(openai_limits="project")

    headers = openai_client.chat.completions.with_raw_response.create(**completion_request(order)).headers

    assert headers["x-ratelimit-limit-project-tokens"] == "450000"
    assert headers["x-ratelimit-limit-tokens"] == "900000"
    remaining = int(headers["x-ratelimit-remaining-project-tokens"])
    assert remaining < 450_000
    assert int(headers["x-ratelimit-remaining-tokens"]) == remaining + 450_000
    assert headers["x-ratelimit-reset-project-tokens"].endswith("ms")


@pytest.mark.parametrize("position", [{"openai_limits": "rude"}, {"openai": "hidden"}])
def test_a_switch_that_does_not_exist_is_refused(sandbox: Sandbox, position: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        sandbox.switch(**position)


def test_dripping_headers_outlive_the_read_timeout(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    sandbox.fault("openai", "drip_headers", seconds=0.9)

    with pytest.raises(openai.APIConnectionError) as caught:
        openai_client.with_options(timeout=0.4).chat.completions.create(**completion_request(order))

    assert not isinstance(caught.value, openai.APITimeoutError)
