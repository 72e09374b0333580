"""Answers of the stand-in writer that a test changes, and what became of the article."""

from __future__ import annotations

import json
from typing import Any

from blogs.models import BlogGeneration, Stage
from tests.sandbox import Sandbox

PRICE = "It is yours for $49.90."
BOAST = "The founder of this shop learned the craft from the old lighthouse keeper, who told it to few."


def planted(change: Any) -> Any:
    """Change the article of an answer; leave other answers as they are."""

    def changed(answer: Any) -> Any:
        message = answer["choices"][0]["message"]
        try:
            content = json.loads(message["content"] or "{}")
        except ValueError:
            return answer
        if "blocks" in content:
            message["content"] = json.dumps(change(content))
        return answer

    return changed


def with_a_price(article: dict[str, Any]) -> dict[str, Any]:
    paragraphs = [block for block in article["blocks"] if block["type"] == "paragraph"]
    middle = paragraphs[len(paragraphs) // 2]
    middle["runs"].append({"text": f" {PRICE}", "bold": False, "italic": False, "product_id": None})
    return article


def with_a_boast(article: dict[str, Any]) -> dict[str, Any]:
    run = {"text": BOAST, "bold": False, "italic": False, "product_id": None}
    article["blocks"].append({"type": "paragraph", "runs": [run]})
    return article


def calls(sandbox: Sandbox) -> list[int]:
    return [len(sandbox.requests("openai", name)) for name in ("article", "critic", "repair")]


def report_of(blog: BlogGeneration) -> dict[str, Any]:
    quality: dict[str, Any] = blog.outputs.get(stage=Stage.ARTICLE).output["quality"]
    return quality
