"""Asks for one article as the stages do: an outline, the gate's look at it, the article, and the gate again."""

from __future__ import annotations

import json
import time
import tomllib
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from pydantic import BaseModel

from blogs.article import prompts
from blogs.article.prompts import Prompt
from blogs.article.quality import Finding, Request, judged, judged_idea
from blogs.article.quality.mends.shape import article_in, idea_in
from blogs.article.schema import ArticleContent, Idea, InvalidArticle, block_texts, json_schema
from blogs.providers import openai
from blogs.providers.token_reserve import Kind
from workers.context.on_behalf import Caller, on_behalf_of
from workers.errors import RateLimited, WorkError
from workers.models import Price, ProviderCall

_REQUESTS = Path(__file__).with_name("requests.toml")
_SECONDS = 180.0
# How often a call is repeated that was put off, and the longest wait before one.
_PUT_OFF_MAX, _WAIT_MAX_SECONDS = 5, 60.0


@dataclass(frozen=True, slots=True)
class Variant:
    """What is compared: a model with a folder of prompts."""

    model: str
    folder: Path

    @property
    def name(self) -> str:
        versions = "/".join(str(prompts.version(name, folder=self.folder)) for name in ("idea", "article"))
        # Two folders may have the same versions, and the same prompts may be changed between two runs.
        texts = b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.txt")))
        return f"{self.model}, prompts {versions} ({zlib.crc32(texts):08x})"


@cache
def requests() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _stock()["requests"]
    return found


@cache
def _stock() -> dict[str, Any]:
    return tomllib.loads(_REQUESTS.read_text(encoding="utf-8"))


def answer(variant: Variant, number: int) -> dict[str, Any]:
    """Write request `number` and judge it. What went wrong is part of the answer."""
    asked, took = requests()[number], _Took(variant, number)
    found: dict[str, Any] = {"variant": variant.name, "number": number, "errors": [], "warnings": [], "text": []}
    try:
        _write(variant, asked, took, found)
    except InvalidArticle as invalid:
        found["errors"] += [{"check": problem, "place": "answer", "quote": ""} for problem in invalid.problems]
    except WorkError as error:
        found["errors"].append({"check": error.code, "place": "provider", "quote": error.message})
    return found | took.told()


def _write(variant: Variant, asked: dict[str, Any], took: _Took, found: dict[str, Any]) -> None:
    data, request = _data(asked), _request(asked)
    kept: list[dict[str, Any]] = _stock()["products"]
    text = took.call("idea", prompts.idea(data, folder=variant.folder), Idea, settings.OPENAI_IDEA_MAX_TOKENS, asked)
    idea = idea_in(text, topic=asked["topic"])
    _note(found, *judged_idea(idea, request=request))
    outline = {name: value for name, value in idea.model_dump().items() if not name.startswith("image_")}
    most = settings.OPENAI_ARTICLE_MAX_TOKENS[asked["length"]]
    prompt = prompts.article({**data, "idea": outline}, folder=variant.folder)
    text = took.call("article", prompt, ArticleContent, most, asked)
    verdict = judged(article_in(text), idea=idea, request=request, products=kept)
    _note(found, verdict.errors, verdict.warnings)
    written = verdict.article
    found["title"] = written.title
    found["text"] = [text for block in written.blocks for text in block_texts(block)]


def _note(found: dict[str, Any], errors: list[Finding], warnings: list[Finding]) -> None:
    found["errors"] += map(asdict, errors)
    found["warnings"] += map(asdict, warnings)


def _data(asked: dict[str, Any]) -> dict[str, Any]:
    told = []
    for product in _stock()["products"]:
        options = {option["name"]: option["choices"] for option in product["options"]}
        facts = {
            "id": product["id"],
            "name": product["name"],
            "text": product["text"],
            "photo": bool(product["image_id"]),
        }
        facts |= {"options": options} if options else {}
        told.append(facts | ({} if product["in_stock"] else {"in_stock": False}))
    return {
        "source": {"type": asked["type"], "text": asked["topic"]},
        "language": asked["language"],
        "tone": "friendly",
        "sections": prompts.SECTIONS[asked["length"]],
        "site": {"name": "Warm Mugs"},
        "products": told,
    }


def _request(asked: dict[str, Any]) -> Request:
    about = [product["id"] for product in _stock()["products"] if product["name"] == asked["topic"]]
    return Request(asked["topic"], asked["language"], asked["length"], "Warm Mugs", product_ids=about)


class _Took:
    """Makes the calls of one answer, each on behalf of a number of its own, by which their rows are found again."""

    def __init__(self, variant: Variant, number: int) -> None:
        self._variant = variant
        self._work = -(time.time_ns() // 1_000 * 100 + number)
        self._began = time.monotonic()

    def call(self, what: str, prompt: Prompt, model: type[BaseModel], most: int, asked: dict[str, Any]) -> str:
        # A kind of its own: the service's maxima are not learned from these.
        kind = Kind.of(f"eval_{what}", asked["length"], asked["language"])
        with on_behalf_of(Caller(work=self._work, party=self._work)):
            return _patiently(
                lambda: openai.complete(
                    prompt,
                    kind=kind,
                    schema_name=f"blog_{what}",
                    schema=json_schema(model),
                    max_tokens=most,
                    seconds=_SECONDS,
                    model=self._variant.model,
                )
            )

    def told(self) -> dict[str, Any]:
        calls = list(ProviderCall.objects.filter(work=self._work))
        cost = [_cost(call) for call in calls]
        return {
            "prompt_tokens": sum(call.prompt_tokens or 0 for call in calls),
            "output_tokens": sum(call.output_tokens or 0 for call in calls),
            "seconds": round(time.monotonic() - self._began, 1),
            "dollars": None if None in cost or not cost else float(sum(filter(None, cost), Decimal())),
        }


def _cost(call: ProviderCall) -> Decimal | None:
    of_model = Price.objects.filter(provider=call.provider, model=call.model, valid_from__lte=timezone.now().date())
    price = of_model.order_by("-valid_from", "-id").first()
    if price is None or price.input_per_million is None or price.output_per_million is None:
        return None
    tokens = (call.prompt_tokens or 0) * price.input_per_million + (call.output_tokens or 0) * price.output_per_million
    return Decimal(tokens) / 1_000_000


def _patiently(ask: Callable[[], str]) -> str:
    """Ask again what the provider or our own limit puts off: a few times, then it is an error."""
    for _ in range(_PUT_OFF_MAX):
        try:
            return ask()
        except RateLimited as put_off:
            time.sleep(min(put_off.retry_in, _WAIT_MAX_SECONDS))
    return ask()


def as_line(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False)
