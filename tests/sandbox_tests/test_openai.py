from __future__ import annotations

import json
import statistics
from typing import Any

import openai
import pytest
import requests

from blogs.article.schema import Idea, parse_article
from tests.sandbox import Sandbox
from tests.sandbox.openai import duration
from tests.sandbox.world import World
from tests.support.sandbox_calls import completion_request


def test_an_idea_has_as_many_sections_as_were_asked_for(openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    answer = openai_client.chat.completions.create(**completion_request(order | {"sections": 3}))

    idea = Idea.model_validate_json(answer.choices[0].message.content or "")
    assert len(idea.sections) == 3
    assert answer.choices[0].finish_reason == "stop"


def test_an_article_follows_its_idea_and_tells_its_language(
    openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    german = order | {"language": "de"}
    idea = openai_client.chat.completions.create(**completion_request(german)).choices[0].message.content
    planned = Idea.model_validate_json(idea or "")

    request = completion_request(german | {"idea": planned.model_dump()}, "blog_article")
    answer = openai_client.chat.completions.create(**request)

    article = parse_article(answer.choices[0].message.content or "")
    assert article.language == "de"
    assert article.title == planned.title
    headings = [block.text for block in article.blocks if block.type == "heading"]
    assert headings[:5] == [section.heading for section in planned.sections]


def test_usage_is_a_quarter_of_the_bytes(openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    request = completion_request(order)

    answer = openai_client.chat.completions.create(**request)

    assert answer.usage is not None
    sent_bytes = len(json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode())
    answer_bytes = len((answer.choices[0].message.content or "").encode())
    assert answer.usage.prompt_tokens == -(-sent_bytes // 4)
    assert answer.usage.completion_tokens == -(-answer_bytes // 4)


def test_an_answer_longer_than_allowed_is_cut_and_says_so(openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    answer = openai_client.chat.completions.create(**completion_request(order, max_completion_tokens=50))

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 50
    assert len(answer.choices[0].message.content or "") <= 200


def test_answers_carry_the_limits_and_a_request_id(openai_client: openai.OpenAI, order: dict[str, Any]) -> None:
    raw = openai_client.chat.completions.with_raw_response.create(**completion_request(order))

    assert raw.headers["x-ratelimit-limit-requests"] == "450"
    assert raw.headers["x-ratelimit-remaining-requests"] == "449"
    assert raw.headers["x-ratelimit-reset-requests"] == "133ms"
    charged = 450_000 - int(raw.headers["x-ratelimit-remaining-tokens"])
    usage = raw.parse().usage
    assert usage is not None
    assert charged == usage.prompt_tokens + 3500
    assert (raw.request_id or "").startswith("req_")


def test_without_a_key_the_answer_is_401_in_openai_s_form(sandbox: Sandbox, order: dict[str, Any]) -> None:
    answer = requests.post(f"{sandbox.openai_url}/chat/completions", json=completion_request(order), timeout=5)

    assert answer.status_code == 401
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"model": "m"}', b'{"model": "m", "messages": [1]}'])
def test_a_body_that_cannot_be_read_is_a_bad_request(sandbox: Sandbox, body: bytes) -> None:
    headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}

    answer = requests.post(f"{sandbox.openai_url}/chat/completions", data=body, headers=headers, timeout=5)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unknown_path_is_not_found(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"Invalid URL \(GET /v1/models\)"):
        openai_client.models.list()


def test_requests_are_remembered_without_credentials(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    openai_client.chat.completions.create(**completion_request(order, "blog_article"))

    [remembered] = sandbox.requests("openai", "article")
    assert remembered["body"]["max_completion_tokens"] == 3500
    assert remembered["status"] == 200
    assert "sk-test" not in str(remembered)
    assert sandbox.requests("openai", "idea") == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.017, "17ms"),
        (1, "1s"),
        (55.212, "55.212s"),
        (360, "6m0s"),
        (252.172, "4m12.172s"),
        (84509.144, "23h28m29.144s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def answered_tokens(client: openai.OpenAI, request: dict[str, Any]) -> int:
    usage = client.chat.completions.create(**request).usage
    assert usage is not None
    return int(usage.completion_tokens)


def test_with_a_workload_the_answers_are_as_long_as_it_says(order: dict[str, Any]) -> None:
    ideas = completion_request(order, max_completion_tokens=5_000)
    articles = completion_request(order, "blog_article", max_completion_tokens=50_000)
    with (
        Sandbox(speed=100_000, limit_scale=1000, workload="short") as sandbox,
        openai.OpenAI(api_key="sk-test", base_url=sandbox.openai_url, max_retries=0) as client,
    ):
        idea = [answered_tokens(client, ideas) for _ in range(150)]
        article = [answered_tokens(client, articles) for _ in range(150)]

    assert 380 < statistics.mean(idea) < 420
    assert 2_375 < statistics.mean(article) < 2_625
    assert 0.15 < statistics.stdev(article) / statistics.mean(article) < 0.25


def test_with_a_workload_its_length_decides_what_is_cut(order: dict[str, Any]) -> None:
    request = completion_request(order, "blog_article", max_completion_tokens=1_000)
    with (
        Sandbox(speed=100_000, workload="short") as sandbox,
        openai.OpenAI(api_key="sk-test", base_url=sandbox.openai_url, max_retries=0) as client,
    ):
        answer = client.chat.completions.create(**request)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 1_000
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.choices[0].message.content or "")


def test_the_long_workload_s_articles_are_those_of_eight_sections() -> None:
    world = World(workload="long")

    drawn = [world.tokens("article", 8) or 0 for _ in range(2_000)]

    assert 4_400 < statistics.mean(drawn) < 4_600
    assert world.tokens("other", 8) is None
