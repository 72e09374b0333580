"""The forms in which we ask OpenAI and servers that speak its language, and in which they answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.models import Status
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from wix.models import Site
from workers.models import ProviderCall


@pytest.mark.parametrize("kind", ["fenced", "in_parts"])
def test_an_answer_in_a_wrapper_is_an_answer(sandbox: Sandbox, shop: Site, attempt: Attempt, kind: str) -> None:
    sandbox.fault("openai", kind, times=None)
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE


def test_a_server_without_strict_schemas_gets_the_schema_in_words(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any
) -> None:
    settings.OPENAI_ANSWER_FORMAT, settings.OPENAI_MAX_TOKENS_FIELD = "json_object", "max_tokens"
    factories.pending_generation(shop)

    assert attempt().status == Status.DONE
    for operation, field in (("idea", "image_prompt"), ("article", "meta_description")):
        [request] = sandbox.requests("openai", operation)
        assert request["body"]["response_format"] == {"type": "json_object"}
        assert request["body"]["max_tokens"] > 0
        assert "max_completion_tokens" not in request["body"]
        assert field in request["body"]["messages"][0]["content"]


@pytest.mark.parametrize("answer_format", ["json_schema", "json_object"])
def test_all_bytes_that_are_sent_are_reserved(
    sandbox: Sandbox, shop: Site, attempt: Attempt, settings: Any, answer_format: str
) -> None:
    settings.OPENAI_ANSWER_FORMAT = answer_format
    factories.pending_generation(shop)

    attempt()

    for operation in ("idea", "article"):
        [request] = sandbox.requests("openai", operation)
        sent = len(json.dumps(request["body"], ensure_ascii=False, separators=(",", ":")).encode())
        call = ProviderCall.objects.get(operation=f"blog_{operation}")
        assert call.prompt_bytes == sent
        assert call.tokens_reserved >= sent / 3.5 + call.output_max


def test_a_bomb_is_a_failure_like_others(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    sandbox.fault("openai", "gzip_bomb", "article")
    sandbox.fault("replicate", "gzip_bomb", "get")
    sandbox.fault("wix", "gzip_bomb", "media_import")
    factories.pending_generation(shop)

    blogs = [attempt() for _ in range(4)]

    assert [blog.status for blog in blogs] == [*[Status.PENDING] * 3, Status.DONE]
    assert len(sandbox.drafts()) == 1
