"""OpenAI as one method, `complete`.

It uses Chat Completions, because every OpenAI-shaped server speaks it, through the official SDK without the SDK's own retries.
"""

from __future__ import annotations

import functools
import json
import math
from typing import Any, NamedTuple

import httpx2
import openai
from django.conf import settings

from blogs.article.prompts import Prompt
from blogs.providers import openai_limits, token_reserve
from blogs.providers.openai_answers import Truncated, finished_text
from blogs.providers.openai_errors import explain
from blogs.providers.token_reserve import Kind
from workers import outbound
from workers.limits import Limit
from workers.limits.provider_calls import Usage
from workers.outbound import Call
from workers.outbound.bodies import MOST_BYTES_OF_TEXT
from workers.outbound.transports import Httpx2Transport
from workers.texts import parsed_json


class Form(NamedTuple):
    """The form in which the answer is asked for: JSON by a named schema."""

    name: str
    schema: dict[str, Any]


def limit(model: str = "") -> Limit:
    return Limit("openai", model=model or settings.OPENAI_MODEL)


def complete(
    prompt: Prompt,
    *,
    kind: Kind,
    schema_name: str,
    schema: dict[str, Any],
    max_tokens: int,
    seconds: float,
    model: str = "",
    patience: float = math.inf,
) -> str:
    """Return the model's finished answer: JSON text in the schema's form.

    Reserves the estimate of all that is sent plus `max_tokens`, which is what OpenAI charges up front. Raises Truncated,
    PermanentError `content_refused`, and what outbound.call raises. `patience`: for how many seconds it waits for the limit.
    """
    request = _request(prompt, Form(schema_name, schema), max_tokens, model or settings.OPENAI_MODEL)
    sent_bytes = len(json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))

    def ask(call: Call) -> str:
        call.usage = Usage(kind.name, kind.language, sent_bytes, max_tokens, request["model"])
        try:
            raw = _client().chat.completions.with_raw_response.create(**request)
        except openai.APIStatusError as refused:
            call.request_id = refused.request_id or ""
            if isinstance(refused, openai.RateLimitError):
                call.named = openai_limits.named(refused.response.headers, refused.message)
            raise
        call.named = openai_limits.named(raw.headers)
        call.request_id = raw.headers.get("x-request-id", "")
        # Read as plain JSON: an answer of another shape must become our error, not an attribute that happens to be None.
        try:
            return prompt.with_ids(finished_text(parsed_json(raw.content), call))
        except Truncated as truncated:
            truncated.text = prompt.with_ids(truncated.text)
            raise

    tokens = token_reserve.prompt_tokens(kind, sent_bytes) + max_tokens
    return outbound.call(
        OPENAI, schema_name, ask, limit=limit(model), seconds=seconds, tokens=tokens, patience=patience
    )


def _request(prompt: Prompt, form: Form, max_tokens: int, model: str) -> dict[str, Any]:
    strict = settings.OPENAI_ANSWER_FORMAT == "json_schema"
    in_words = f"{_IN_WORDS.format(form.name)}\n{json.dumps(form.schema, separators=(',', ':'))}"
    system = prompt.system if strict else f"{prompt.system}\n\n{in_words}"
    named = {"name": form.name, "strict": True, "schema": form.schema}
    return {
        "model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt.user}],
        "response_format": {"type": "json_schema", "json_schema": named} if strict else {"type": "json_object"},
        settings.OPENAI_MAX_TOKENS_FIELD: max_tokens,
    }


# For servers that know no strict schemas (OPENAI_ANSWER_FORMAT).
_IN_WORDS = "Answer with one JSON object and nothing else. It must be valid by the JSON Schema `{}`:"


@functools.cache
def _client() -> openai.OpenAI:
    """Make the client of all threads of the process, on first use and so after any fork."""
    connections = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        max_retries=0,
        http_client=httpx2.Client(
            transport=Httpx2Transport(most_bytes=MOST_BYTES_OF_TEXT, limits=connections), follow_redirects=False
        ),
    )


OPENAI = outbound.Provider(
    "openai",
    raises=(
        openai.OpenAIError,
        httpx2.HTTPError,
        httpx2.InvalidURL,
        json.JSONDecodeError,
        UnicodeDecodeError,
        RecursionError,
    ),
    explain=explain,
)
