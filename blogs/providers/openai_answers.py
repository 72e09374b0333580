"""Reads the text from an answer to a chat completion, in the forms in which OpenAI and servers that speak its language send it."""

from __future__ import annotations

import json
from typing import Any

from blogs.providers.openai_errors import CONTENT_REFUSED, of_refusal
from blogs.providers.refusals import Refusal
from workers.errors import PermanentError, ProviderFailure, TransientError
from workers.limits.provider_calls import count
from workers.outbound import Call

_FINISHED = {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed", "end_of_text"}
_CUT = {"length", "max_tokens", "model_length", "max_output_tokens", "max_completion_tokens"}
_REFUSED = {
    *(
        "content_filter",
        "content_filtered",
        "refusal",
        "safety",
        "sensitive",
        "prohibited_content",
        "blocklist",
        "spii",
    ),
    *("recitation", "guardrail_intervened"),
}


class Truncated(TransientError):
    """The answer was cut at its token limit. The same limit would cut it again. `text` is what there is of it."""

    def __init__(self, code: str, message: str, text: str = "") -> None:
        super().__init__(code, message)
        self.text = text


def finished_text(answer: Any, call: Call) -> str:
    """Return the JSON text that the model wrote. Raises Truncated, PermanentError `content_refused`, ProviderFailure.

    Raises what `openai_errors.of_refusal` says of an answer that is a refusal under the status 200.
    """
    if not isinstance(answer, dict):
        raise ProviderFailure("provider_unavailable", "OpenAI sent an answer that is not an object.")
    _note_usage(answer.get("usage"), call)
    try:
        choice = answer["choices"][0]
        message, reason = choice["message"], choice["finish_reason"]
        refusal, text = _refusal(message), _text(message.get("content"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise _without_a_message(answer) from None
    # Gemini adds its own word: "content_filter: RECITATION".
    reason = reason.lower().partition(":")[0] if isinstance(reason, str) else ""
    # The finish reason comes before the text: most "broken JSON" is an answer that was cut.
    if reason in _CUT:
        if call.usage:
            call.usage.truncated = True
        raise Truncated("content_truncated", "The text did not fit into its token budget.", text)
    if reason in _REFUSED or refusal:
        raise PermanentError(CONTENT_REFUSED.code, CONTENT_REFUSED.message)
    if reason not in _FINISHED or not text:
        raise ProviderFailure("provider_unavailable", "OpenAI sent an unfinished answer.")
    return unwrapped(text)


def _without_a_message(answer: dict[str, Any]) -> Exception:
    error = answer.get("error")
    if isinstance(error, dict | str) and error:
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and 300 <= code < 600 else 200
        return of_refusal(Refusal.of(status, answer), {})
    return ProviderFailure("provider_unavailable", "OpenAI sent an answer without a message.")


def _refusal(message: dict[str, Any]) -> Any:
    """Find the model's own refusal: in its place, where LiteLLM keeps what it doesn't know, or among the parts of the content."""
    kept = message.get("provider_specific_fields")
    parts = message.get("content")
    return (
        message.get("refusal")
        or (kept.get("refusal") if isinstance(kept, dict) else None)
        or next((part["refusal"] for part in _parts(parts) if part.get("refusal")), None)
    )


def _text(content: Any) -> str:
    """Read a content that is a text, a list of parts, or the object itself."""
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    if isinstance(content, list):
        texts = (
            part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict)
        )
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _parts(content: Any) -> list[dict[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def unwrapped(text: str) -> str:
    """Return the JSON object in a text without what some models put around it: a fence, their thoughts, a greeting."""
    bare = text.strip("\ufeff \t\r\n")
    if bare.startswith("<think>"):
        bare = bare.partition("</think>")[2]
    begin = bare.find("{")
    try:
        _, end = json.JSONDecoder().raw_decode(bare, max(begin, 0))
    except (ValueError, RecursionError):
        end = bare.rfind("}") + 1
    return bare[begin:end] if 0 <= begin < end else text


def _note_usage(told: Any, call: Call) -> None:
    """Note what the answer says of its tokens. Other servers may say nothing, or only a part."""
    told = told if isinstance(told, dict) else {}
    prompt, output = count(told.get("prompt_tokens")), count(told.get("completion_tokens"))
    call.tokens_used = count(told.get("total_tokens"))
    if call.tokens_used is None and prompt is not None and output is not None:
        call.tokens_used = prompt + output
    if call.usage:
        call.usage.prompt_tokens, call.usage.output_tokens = prompt, output
        details = told.get("prompt_tokens_details")
        cached = count(details.get("cached_tokens")) if isinstance(details, dict) else None
        # Some servers count cached tokens apart from the others, and then there may be more of them than of all.
        call.usage.cached_tokens = cached if cached is None or prompt is None else min(cached, prompt)
