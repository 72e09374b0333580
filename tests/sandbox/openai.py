"""OpenAI's chat completions: charged up front, limited in requests and tokens, answered with an idea or an article."""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

from aiohttp import web

from blogs.article.short_form import in_short
from tests.sandbox import defects, revising, writer
from tests.sandbox.faults import Fault
from tests.sandbox.limits import SlidingWindow
from tests.sandbox.openai_errors import ERRORS, NO_KEY, bad_request, come_back, error
from tests.sandbox.openai_request import BYTES_PER_TOKEN, IN_WORDS, OPERATIONS, SEVERAL, Request
from tests.sandbox.provider import Call, Provider, Refused, Route
from tests.sandbox.world import World

_ORGANIZATION = "org-sandbox"
_DECLINED = "I'm sorry, but I can't help with that request."


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
            for schema_name, operation in OPERATIONS.items():
                if f'"{schema_name}"'.encode() in body or IN_WORDS.format(schema_name).encode() in body:
                    return operation
        return named

    def let_in(self, call: Call) -> None:
        if not call.request.headers.get("Authorization", "").removeprefix("Bearer ").strip():
            raise Refused(error(401, "invalid_request_error", None, NO_KEY))
        if call.operation == "unknown":
            return
        request = Request.read(call.body)
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
        request = Request.read(call.body)
        orders = _orders(request)
        message, finish_reason = self._written(call, request, orders)
        completion_tokens = self._length(call, orders, message)
        if request.max_tokens and (completion_tokens > request.max_tokens or finish_reason == "length"):
            # As much of the text as fits; whatever cut it, all that was allowed has been used.
            message = message | {"content": _begin(message["content"] or "", request.max_tokens / completion_tokens)}
            finish_reason, completion_tokens = "length", request.max_tokens
        if call.operation in OPERATIONS.values():
            # A critic and a repair write about as much as an idea has.
            what = "article" if call.operation == "article" else "idea"
            # The time is that of the text: nine more ideas take about nine times as long.
            await asyncio.sleep(self.world.seconds(what) * (1 + 0.9 * (len(orders) - 1)))
        return web.json_response(_completion(self.world.now(), request, message, finish_reason, completion_tokens))

    def _length(self, call: Call, orders: list[writer.Order], message: dict[str, Any]) -> int:
        """In tokens: the workload's if one was asked for, and the answer is a whole text."""
        content = message["content"]
        if isinstance(content, list):
            content = "".join(part["text"] for part in content)
        if orders and content and not call.has_fault("content_filter"):
            drawn = [self.world.tokens(call.operation, order.sections) for order in orders]
            if drawn[0] is not None:
                return sum(filter(None, drawn))
        return math.ceil(len((content or message["refusal"] or "").encode()) / BYTES_PER_TOKEN)

    def _written(self, call: Call, request: Request, orders: list[writer.Order]) -> tuple[dict[str, Any], str]:
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        if call.has_fault("refusal"):
            return message | {"refusal": _DECLINED}, "stop"
        if call.has_fault("gateway_refusal"):  # as LiteLLM passes it on
            kept = {"content": None, "provider_specific_fields": {"refusal": _DECLINED}}
            return {"role": "assistant", "refusal": None, **kept}, "stop"
        content = _answer(call, request, orders)
        if call.has_fault("content_filter"):
            return message | {"content": content[:20]}, "content_filter"
        if call.has_fault("length"):
            return message | {"content": content[: len(content) * 2 // 3]}, "length"
        if call.has_fault("fenced"):
            content = f"```json\n{content}\n```\n"
        if call.has_fault("in_parts"):
            half = len(content) // 2
            return message | {
                "content": [{"type": "text", "text": part} for part in (content[:half], content[half:])]
            }, "stop"
        return message | {"content": content}, "stop"

    def refusal(self, kind: str, fault: Fault, call: Call) -> web.Response:
        request = Request.read(call.body)
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


def _orders(request: Request) -> list[writer.Order]:
    """Read what is asked for: one blog's text, or the ideas of several."""
    if request.schema_name not in OPERATIONS:
        return []
    try:
        if request.schema_name in SEVERAL:
            return writer.Order.several(request.prompt)
        return [writer.Order.from_prompt(request.prompt)]
    except writer.NoOrder as missing:
        raise bad_request(f"This stand-in could not read the prompt: {missing}", "messages") from missing


def _answer(call: Call, request: Request, orders: list[writer.Order]) -> str:
    if not orders:
        return json.dumps({"answer": "Hello! How can I help you today?"})
    if call.operation == "idea_repair":
        return revising.answer_for_ideas(call, orders)
    if request.schema_name in SEVERAL:
        return _plans(call, orders)
    [order] = orders
    defect = call.fault.kind.removeprefix(defects.PREFIX) if call.fault and call.fault.is_defect else None
    if call.operation in ("critic", "repair"):
        return revising.answer(call, order)
    if call.operation == "idea":
        idea = writer.idea(order)
        return (defects.planted_in_idea(idea, order, defect) if defect else idea).model_dump_json()
    article = writer.spoiled_article(order) if call.has_fault("invalid_article") else writer.article(order)
    written = (defects.planted(article, order, defect) if defect else article).model_dump()
    return json.dumps(in_short(written), ensure_ascii=False, separators=(",", ":"))


def _plans(call: Call, orders: list[writer.Order]) -> str:
    """Write the ideas of a batch; with the fault `uneven_ideas` without the second, and with no section in the third."""
    plans = writer.plans(orders).model_dump()
    if call.has_fault("uneven_ideas"):
        plans["plans"][2]["sections"] = []
        del plans["plans"][1]
    return json.dumps(plans, ensure_ascii=False)


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
