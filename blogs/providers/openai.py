"""OpenAI as one method, `complete`.

It uses Chat Completions, because every OpenAI-shaped server speaks it, through the official SDK without the SDK's own retries.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import httpx2
import openai
from django.conf import settings

from blogs.article.prompts import Prompt
from blogs.providers import openai_limits, token_reserve
from blogs.providers.token_reserve import Kind
from workers import outbound
from workers.errors import (
    AccountRefused,
    PermanentError,
    ProviderFailure,
    RateLimited,
    TooFast,
    TransientError,
    WorkError,
)
from workers.limits import Limit
from workers.limits.provider_calls import Usage, count
from workers.outbound import Call
from workers.outbound.transports import Httpx2Transport
from workers.texts import parsed_json

# The account's money has run out. Waiting doesn't help.
_QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)


class Truncated(TransientError):
    """The answer was cut at its token limit. The same limit would cut it again."""


def limit() -> Limit:
    return Limit("openai", model=settings.OPENAI_MODEL)


def complete(
    prompt: Prompt, *, kind: Kind, schema_name: str, schema: dict[str, Any], max_tokens: int, seconds: float
) -> str:
    """Return the model's finished answer: JSON text in the schema's form.

    Reserves the prompt's estimate plus `max_tokens`, which is what OpenAI charges up front. Raises Truncated, PermanentError
    `content_refused`, and what outbound.call raises.
    """

    prompt_bytes = len((prompt.system + prompt.user).encode())

    def ask(call: Call) -> str:
        call.usage = Usage(kind.name, kind.language, prompt_bytes, max_tokens)
        try:
            raw = _client().chat.completions.with_raw_response.create(
                model=settings.OPENAI_MODEL,
                messages=[{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": schema_name, "strict": True, "schema": schema},
                },
                max_completion_tokens=max_tokens,
            )
        except openai.APIStatusError as refused:
            call.request_id = refused.request_id or ""
            if isinstance(refused, openai.RateLimitError):
                call.named = openai_limits.named(refused.response.headers, refused.message)
            raise
        call.named = openai_limits.named(raw.headers)
        call.request_id = raw.headers.get("x-request-id", "")
        # Read as plain JSON: an answer of another shape must become our error, not an attribute that happens to be None.
        return _finished_text(parsed_json(raw.text), call)

    tokens = token_reserve.prompt_tokens(kind, prompt_bytes) + max_tokens
    return outbound.call(OPENAI, schema_name, ask, limit=limit(), seconds=seconds, tokens=tokens)


def _finished_text(answer: Any, call: Call) -> str:
    if not isinstance(answer, dict):
        raise ProviderFailure("provider_unavailable", "OpenAI sent an answer that is not an object.")
    _note_usage(answer.get("usage"), call)
    try:
        choice = answer["choices"][0]
        message, reason = choice["message"], choice["finish_reason"]
        refusal, text = message.get("refusal"), message.get("content")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ProviderFailure("provider_unavailable", "OpenAI sent an answer without a message.") from None
    # The finish reason comes before the text: most "broken JSON" is an answer that was cut.
    if reason == "length":
        if call.usage:
            call.usage.truncated = True
        raise Truncated("content_truncated", "The text did not fit into its token budget.")
    if reason == "content_filter" or refusal:
        raise PermanentError("content_refused", "OpenAI declined to write about this topic; ask for another one.")
    if reason != "stop" or not isinstance(text, str) or not text:
        raise ProviderFailure("provider_unavailable", "OpenAI sent an unfinished answer.")
    return text


def _note_usage(told: Any, call: Call) -> None:
    """Note what the answer says of its tokens. Other servers may say nothing, or only a part."""
    told = told if isinstance(told, dict) else {}
    prompt, output = count(told.get("prompt_tokens")), count(told.get("completion_tokens"))
    call.tokens_used = count(told.get("total_tokens"))
    if call.tokens_used is None and prompt is not None and output is not None:
        call.tokens_used = prompt + output
    if call.usage:
        call.usage.prompt_tokens, call.usage.output_tokens = prompt, output


@functools.cache
def _client() -> openai.OpenAI:
    """Make the client of all threads of the process, on first use and so after any fork."""
    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        max_retries=0,
        http_client=httpx2.Client(
            transport=Httpx2Transport(limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100)),
            follow_redirects=False,
        ),
    )


def _explain(error: Exception) -> WorkError:
    if isinstance(error, openai.RateLimitError):
        return _explain_429(error)
    if isinstance(error, openai.AuthenticationError):
        return AccountRefused("provider_refused_key", "OpenAI refuses our key; an operator must look.", for_all=True)
    if isinstance(error, openai.PermissionDeniedError):
        return AccountRefused("provider_refused_key", "OpenAI refuses this to our key; an operator must look.")
    if isinstance(error, openai.NotFoundError):
        message = "OpenAI knows no such model, or not for our key; an operator must look."
        return AccountRefused("provider_misconfigured", message, for_all=True)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return ProviderFailure("timeout", "OpenAI did not answer in time.")
    if isinstance(error, openai.APIStatusError) and error.status_code < 500 and error.status_code not in (408, 409):
        return PermanentError("provider_rejected", f"OpenAI refused the request ({error.status_code}, {error.code}).")
    if isinstance(error, openai.APIStatusError):
        return ProviderFailure("provider_unavailable", f"OpenAI answered {error.status_code}.")
    return ProviderFailure("provider_unavailable", "The connection to OpenAI broke, or its answer was not JSON.")


def _explain_429(error: openai.RateLimitError) -> WorkError:
    if error.code in _QUOTA_CODES or error.type in _QUOTA_CODES:
        return AccountRefused("provider_quota", "Our OpenAI account has run out; an operator must look.", for_all=True)
    if "request too large" in error.message.lower():
        return PermanentError("request_too_large", "The request is larger than OpenAI takes in a minute.")
    return RateLimited(
        "rate_limited",
        "OpenAI asks us to wait.",
        retry_in=openai_limits.wait_of(error.response.headers, error.message),
        too_fast=TooFast.RAMP if error.code == "slow_down" else TooFast.RATE,
    )


OPENAI = outbound.Provider(
    "openai", raises=(openai.OpenAIError, httpx2.HTTPError, json.JSONDecodeError), explain=_explain
)
