"""What the stand-in answers to a critic's call and to a repair: it finds nothing, and writes the asked parts as a clean article has
them. Faults let it find something, quote what is not there, talk nonsense, or change nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from blogs.article.schema import ArticleContent
from blogs.article.short_form import in_short
from tests.sandbox import writer
from tests.sandbox.openai_request import Request
from tests.sandbox.provider import Call

NONSENSE = json.dumps({"verdict": "Lovely!"})
MISQUOTED = "The whale sang to the lighthouse keeper in fluent Latin."
_HEAD = ("title", "meta_title", "meta_description", "excerpt", "tags")


def answer(call: Call, order: writer.Order) -> str:
    if call.has_fault("nonsense"):
        return NONSENSE
    data = json.loads(Request.read(call.body).prompt.partition("<data>")[2].partition("</data>")[0])
    return json.dumps(_criticism(call, data) if call.operation == "critic" else in_short(_repair(call, order, data)))


def answer_for_ideas(call: Call, orders: Sequence[writer.Order]) -> str:
    """Write the refused parts of plans as clean ones have them."""
    if call.has_fault("nonsense"):
        return NONSENSE
    return json.dumps({"plans": [_plan(call, order) for order in orders]}, ensure_ascii=False)


def _plan(call: Call, order: writer.Order) -> dict[str, Any]:
    refused, now, clean = order.told["refused"], order.told["plan"], writer.idea(order).model_dump()
    written = now if call.has_fault("changes_nothing") else clean
    parts = ("title", "sections", "image_alt_text")
    return {"number": order.number, **{name: written.get(name) if name in refused else None for name in parts}}


def _criticism(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    if call.has_fault("misquotes"):
        return {"findings": [{"quote": MISQUOTED, "rule": "invented_fact"}]}
    if call.has_fault("finds"):
        # The last long text of the body, so that it stands in a section.
        said = [text for text in data["article"]["text"] if len(text) > 60]
        return {"findings": [{"quote": said[-1][:60], "rule": "invented_fact"}]}
    return {"findings": []}


def _repair(call: Call, order: writer.Order, data: dict[str, Any]) -> dict[str, Any]:
    clean = writer.article(order)
    sections = _sections(clean)
    repair: dict[str, Any] = {**dict.fromkeys(_HEAD), "sections": []}
    for part in data["parts"]:
        name = part["part"]
        if name in _HEAD:
            repair[name] = part["now"] if call.has_fault("changes_nothing") else getattr(clean, name)
            continue
        number = int(name.rpartition(" ")[2]) if " " in name else 0
        blocks = part.get("now", []) if call.has_fault("changes_nothing") else sections[min(number, len(sections) - 1)]
        repair["sections"].append({"part": name, "blocks": blocks})
    return repair


def _sections(article: ArticleContent) -> list[list[dict[str, Any]]]:
    """The blocks before the first heading, then those of each section."""
    sections: list[list[dict[str, Any]]] = [[]]
    for block in article.blocks:
        if block.type == "heading" and block.level == 2:
            sections.append([])
        sections[-1].append(block.model_dump())
    return sections
