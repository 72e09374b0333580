"""OpenAI's chat completions: charged up front, limited in requests and tokens, answered with an idea or an article."""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from tests.sandbox import writer
from tests.sandbox.faults import Fault
from tests.sandbox.limits import SlidingWindow
from tests.sandbox.openai_errors import ERRORS, NO_KEY, bad_request, come_back, error
from tests.sandbox.provider import Call, Provider, Refused, Route
from tests.sandbox.world import World

BYTES_PER_TOKEN = 4
_OPERATIONS = {"blog_idea": "idea", "blog_article": "article"}
_ORGANIZATION = "org-sandbox"


def duration(seconds: float) -> str:
    """As Go prints it, which is what the x-ratelimit-reset headers carry: 17ms, 55.212s, 6m0s, 23h18m29.144s."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


@dataclass(frozen=True, slots=True)
class Request:
    """The part of a chat completion request that this stand-in looks at."""

    model: str
    messages: list[dict[str, Any]]
    schema_name: str | None
    max_tokens: int | None

    @classmethod
    def read(cls, document: dict[str, Any] | None) -> Request:
        if document is None:
            raise bad_request("We could not parse the JSON body of your request.")
        model, messages = document.get("model"), document.get("messages")
        if not isinstance(model, str) or not model:
            raise bad_request("you must provide a model parameter")
        if not isinstance(messages, list) or not messages or not all(_is_message(message) for message in messages):
            raise bad_request("Missing required parameter: 'messages'.", "messages")
        if document.get("stream"):
            raise bad_request("This stand-in does not stream.", "stream")
        max_tokens = document.get("max_completion_tokens", document.get("max_tokens"))
        if max_tokens is not None and (not isinstance(max_tokens, int) or max_tokens < 1):
            raise bad_request("Invalid 'max_completion_tokens': expected a positive integer.", "max_completion_tokens")
        return cls(model, messages, _schema_name(document), max_tokens)

    @property
    def prompt_tokens(self) -> int:
        characters = sum(len(str(message["content"]).encode()) for message in self.messages)
        return math.ceil(characters / BYTES_PER_TOKEN)

    @property
    def charge(self) -> int:
        return self.prompt_tokens + (self.max_tokens or 0)

    @property
    def prompt(self) -> str:
        return str(next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), ""))


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("role"), str) and "content" in message


def _schema_name(document: dict[str, Any]) -> str | None:
    response_format = document.get("response_format")
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return None
    json_schema = response_format.get("json_schema")
    if not isinstance(json_schema, dict) or not isinstance(json_schema.get("name"), str):
        raise bad_request("Missing required parameter: 'response_format.json_schema.name'.", "response_format")
    return str(json_schema["name"])


class OpenAI(Provider):
    name: ClassVar[str] = "openai"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.requests = world.requests_window(450)
        self.tokens = world.tokens_window(450_000)
        self.charged: Counter[str] = Counter()

    def forget(self) -> None:
        super().forget()
        self.requests.clear()
        self.tokens.clear()
        self.charged.clear()

    def routes(self) -> Iterable[Route]:
        yield "POST", "/openai/v1/chat/completions", "other", self.complete

    def operation(self, named: str, body: bytes) -> str:
        # Inside a prompt the name's quotes would be escaped, so this cannot mistake text for the schema's name.
        if named == "other":
            for schema_name, operation in _OPERATIONS.items():
                if f'"{schema_name}"'.encode() in body:
                    return operation
        return named

    def let_in(self, call: Call) -> None:
        if not call.request.headers.get("Authorization", "").removeprefix("Bearer ").strip():
            raise Refused(error(401, "invalid_request_error", None, NO_KEY))
        if call.operation == "unknown":
            return
        request = Request.read(call.document())
        if request.charge > self.tokens.limit:
            self._refuse_request(request, self.requests.take())
        # Both are counted before either refuses: a refused call counts in full.
        requests_fit, tokens_fit = self.requests.take(), self.tokens.take(request.charge)
        if not requests_fit:
            self.rejected += 1
            raise Refused(self._limit_reached(request.model, "requests", self.requests, 1))
        if not tokens_fit:
            self.rejected += 1
            raise Refused(self._limit_reached(request.model, "tokens", self.tokens, request.charge))
        self.charged.update(requests=1, tokens=request.charge)

    def _refuse_request(self, request: Request, requests_fit: bool) -> None:
        self.rejected += 1
        if not requests_fit:
            raise Refused(self._limit_reached(request.model, "requests", self.requests, 1))
        raise Refused(self._too_large(request.model, request.charge))

    async def complete(self, call: Call) -> web.Response:
        request = Request.read(call.document())
        order = _order(request)
        message, finish_reason = self._written(call, order)
        completion_tokens = self._length(call, order, message)
        if request.max_tokens and (completion_tokens > request.max_tokens or finish_reason == "length"):
            # As much of the text as fits; whatever cut it, all that was allowed has been used.
            message = message | {"content": _begin(message["content"] or "", request.max_tokens / completion_tokens)}
            finish_reason, completion_tokens = "length", request.max_tokens
        if call.operation in ("idea", "article"):
            await asyncio.sleep(self.world.seconds(call.operation))
        return web.json_response(_completion(self.world.now(), request, message, finish_reason, completion_tokens))

    def _length(self, call: Call, order: writer.Order | None, message: dict[str, Any]) -> int:
        """In tokens: the workload's if one was asked for, and the answer is a whole text."""
        content = message["content"]
        if order and content and not call.has_fault("content_filter"):
            drawn = self.world.tokens(call.operation, order.sections)
            if drawn is not None:
                return drawn
        return math.ceil(len((content or message["refusal"] or "").encode()) / BYTES_PER_TOKEN)

    def _written(self, call: Call, order: writer.Order | None) -> tuple[dict[str, Any], str]:
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        if call.has_fault("refusal"):
            return message | {"refusal": "I'm sorry, but I can't help with that request."}, "stop"
        content = _answer(call, order)
        if call.has_fault("content_filter"):
            return message | {"content": content[:20]}, "content_filter"
        if call.has_fault("length"):
            return message | {"content": content[: len(content) * 2 // 3]}, "length"
        return message | {"content": content}, "stop"

    def refusal(self, kind: str, fault: Fault, call: Call) -> web.Response:
        request = Request.read(call.document())
        headers = self._come_back(fault.seconds)
        if kind in ("429", "429_no_retry_after"):
            text = self._limit_text(request.model, "requests", self.requests, 1, fault.seconds)
            return error(*text, headers=headers if kind == "429" else {})
        if kind == "429_tokens":
            text = self._limit_text(request.model, "tokens", self.tokens, request.charge, fault.seconds)
            return error(*text, headers=headers)
        if kind == "request_too_large":
            return self._too_large(request.model, self.tokens.limit + request.charge)
        return error(*ERRORS[kind], headers=headers if kind == "slow_down" else {})

    def _come_back(self, wait: float) -> dict[str, str]:
        return come_back(wait, self.world.switches["openai_retry_after"], self.world.now())

    def not_found(self, call: Call) -> web.Response:
        message = f"Invalid URL ({call.request.method} {call.request.path.removeprefix('/openai')})"
        return error(404, "invalid_request_error", None, message)

    def signed(self, call: Call, response: web.Response) -> web.Response:
        headers = response.headers
        headers["x-request-id"] = f"req_{uuid.uuid4().hex}"
        if response.status in (200, 429):
            headers["openai-organization"] = _ORGANIZATION
            if (form := self.world.switches["openai_limits"]) != "hidden":
                headers.update(_told("requests", self.requests) | _told("tokens", self.tokens))
            if form == "project":
                headers.update(_told("project-tokens", self.tokens) | _told("tokens", self.tokens, times=2))
        return response

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self.calls.total(),
            "byOperation": dict(self.calls),
            "rejected": self.rejected,
            "charged": {"requests": self.charged["requests"], "tokens": self.charged["tokens"]},
            "maxInWindow": {"requests": self.requests.highest, "tokens": self.tokens.highest},
        }

    def _limit_reached(self, model: str, noun: str, window: SlidingWindow, cost: int) -> web.Response:
        wait = window.seconds_until_free(cost)
        return error(*self._limit_text(model, noun, window, cost, wait), headers=self._come_back(wait))

    def _limit_text(
        self, model: str, noun: str, window: SlidingWindow, cost: int, wait: float
    ) -> tuple[int, str, str, str]:
        measure = {"requests": "requests per min (RPM)", "tokens": "tokens per min (TPM)"}[noun]
        used = min(window.used, window.limit)
        return (
            429,
            noun,
            "rate_limit_exceeded",
            f"Rate limit reached for {model} in organization {_ORGANIZATION} on {measure}: Limit {window.limit}, "
            f"Used {used}, Requested {cost}. Please try again in {duration(wait)}. "
            "Visit https://platform.openai.com/account/rate-limits to learn more.",
        )

    def _too_large(self, model: str, requested: int) -> web.Response:
        return error(
            429,
            "tokens",
            "rate_limit_exceeded",
            f"Request too large for {model} in organization {_ORGANIZATION} on tokens per min (TPM): "
            f"Limit {self.tokens.limit}, Requested {requested}. The input or output tokens must be reduced in order "
            "to run successfully. Visit https://platform.openai.com/account/rate-limits to learn more.",
        )


def _told(noun: str, window: SlidingWindow, *, times: int = 1) -> dict[str, str]:
    """The three headers of a limit; `times` of a larger one of which the same has been used."""
    window.forget_old()
    limit = window.limit * times
    return {
        f"x-ratelimit-limit-{noun}": str(limit),
        f"x-ratelimit-remaining-{noun}": str(limit - window.limit + window.remaining),
        f"x-ratelimit-reset-{noun}": duration(window.seconds_until_full() / times),
    }


def _order(request: Request) -> writer.Order | None:
    if request.schema_name not in _OPERATIONS:
        return None
    try:
        return writer.Order.from_prompt(request.prompt)
    except writer.NoOrder as missing:
        raise bad_request(f"This stand-in could not read the prompt: {missing}", "messages") from missing


def _answer(call: Call, order: writer.Order | None) -> str:
    if order is None:
        return json.dumps({"answer": "Hello! How can I help you today?"})
    if call.operation == "idea":
        return writer.idea(order).model_dump_json()
    article = writer.spoiled_article(order) if call.has_fault("invalid_article") else writer.article(order)
    return article.model_dump_json()


def _begin(text: str, share: float) -> str:
    whole = text.encode()
    return whole[: int(len(whole) * share)].decode(errors="ignore")


def _completion(
    now: float, request: Request, message: dict[str, Any], finish_reason: str, completion_tokens: int
) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(now),
        "model": request.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": request.prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": request.prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": None,
    }
