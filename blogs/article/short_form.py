"""The form in which OpenAI is asked for an article, shorter than the one that we keep: each call pays for each byte of its schema.

A list's items are lists of runs, and a table's rows lists of cells, without an object around each. A product's card, its photo and
a button have one form: `type`, `product_id`, `text`. What is read may be in either form.

Products have short names, `p1` for the first: a long id is dear, and easily copied wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

# The field of a block that is `text` in the short form.
_TEXT_OF = {"product": "pitch", "image": "caption"}
# The member that is all there is to the object around it, by the block's kind and the field with these objects.
_WRAPPED = {"list": ("items", "runs"), "table": ("rows", "cells")}
# Definitions that have the form of another, which then stands for both. No prompt speaks of a divider, so it is left out.
_ALIKE = {"Quote": "Paragraph", "Image": "ProductBlock", "Button": "ProductBlock", "Divider": ""}
_DEFINITION = "#/$defs/"

# Under these names prompts tell of products, and under the last two answers do.
_NAMED_UNDER = ("id", "products", "product_ids", "product_id")
_IN_ANSWERS = re.compile(r'("product_id(?:s"\s*:\s*\[[^\[\]{}]*\]?|"\s*:\s*"[^"]*"))')
_QUOTED = re.compile(r'"(p[0-9]+)"')


def product_ids(data: Mapping[str, Any]) -> list[str]:
    """Return the ids of a data block's products: the place of each is its short name."""
    products = data.get("products")
    found = (
        [product.get("id") for product in products if isinstance(product, dict)] if isinstance(products, list) else []
    )
    return [each for each in found if isinstance(each, str)]


def with_names(data: Any, ids: Sequence[str]) -> Any:
    """Return a data block with the short names of products in place of their ids."""
    return _with_names(data, {each: f"p{place}" for place, each in enumerate(ids, 1)}, "")


def _with_names(part: Any, names: Mapping[str, str], under: str) -> Any:
    match part:
        case dict():
            return {key: _with_names(value, names, key) for key, value in part.items()}
        case list():
            return [_with_names(value, names, under) for value in part]
        case str() if under in _NAMED_UNDER:
            return names.get(part, part)
    return part


def with_ids(answer: str, ids: Sequence[str]) -> str:
    """Return an answer, whole or cut, with the ids of products in place of their short names."""

    def known(found: re.Match[str]) -> str:
        place = int(found[1][1:]) if len(found[1]) < 6 else 0
        return json.dumps(ids[place - 1], ensure_ascii=False) if 0 < place <= len(ids) else found[0]

    return _IN_ANSWERS.sub(lambda told: _QUOTED.sub(known, told[0]), answer) if ids else answer


def in_full(answer: Any) -> Any:
    """Bring the blocks of an answer, an article or a repair, into our own form, in place. What is none of it stays as it is."""
    for block in _blocks(answer):
        kind: str = block["type"]
        name = _TEXT_OF.get(kind, "text")
        if name not in block and "text" in block:
            block[name] = block.pop("text")
        many, member = _WRAPPED.get(kind, ("", ""))
        if isinstance(wrapped := block.get(many), list):
            block[many] = [{member: each} if isinstance(each, list) else each for each in wrapped]
    return answer


def in_short(answer: Any) -> Any:
    """Bring the blocks of an article or a repair into the short form, in place."""
    for block in _blocks(answer):
        kind: str = block["type"]
        if (name := _TEXT_OF.get(kind)) and name in block:
            block["text"] = block.pop(name)
        many, member = _WRAPPED.get(kind, ("", ""))
        if many:
            block[many] = [each[member] if isinstance(each, dict) else each for each in block[many]]
    return answer


def _blocks(answer: Any) -> Iterator[dict[str, Any]]:
    holders = [answer, *(sections if isinstance(sections := _of(answer, "sections"), list) else ())]
    for holder in holders:
        blocks = _of(holder, "blocks")
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, dict) and isinstance(block.get("type"), str):
                yield block


def _of(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None


def shortened(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an answer's strict schema in the short form. A definition that is used once stands where it is used."""
    kinds: dict[str, Any] = schema.pop("$defs", {})
    if _ALIKE.keys() <= kinds.keys():
        _fold(kinds)
    text = json.dumps([schema, kinds])
    often = {name for name in kinds if text.count(f'"{_DEFINITION}{name}"') > 1}
    whole = {name: _placed(kinds[name], kinds, often) for name in kinds if name in often}
    placed: dict[str, Any] = _placed(schema, kinds, often)
    return {"$defs": whole, **placed} if whole else placed


def _fold(kinds: dict[str, Any]) -> None:
    for block, item in (("ListBlock", "ListItem"), ("Table", "TableRow")):
        many, member = _WRAPPED["list" if block == "ListBlock" else "table"]
        kinds[block]["properties"][many]["items"] = kinds.pop(item)["properties"][member]
    for name, like in _ALIKE.items():
        types = kinds.pop(name)["properties"]["type"]["enum"]
        if like:
            kinds[like]["properties"]["type"]["enum"] += types
    product = kinds["ProductBlock"]
    product["properties"]["text"] = product["properties"].pop(_TEXT_OF["product"])
    product["required"] = list(product["properties"])


def _placed(part: Any, kinds: dict[str, Any], often: Container[str]) -> Any:
    """Return a part of a schema with its definitions in place, but for those used often, and without those that are gone."""
    if isinstance(part, list):
        return [_placed(each, kinds, often) for each in part if _name(each) is None or _name(each) in kinds]
    if not isinstance(part, dict):
        return part
    name = _name(part)
    if name is not None and name not in often:
        return _placed(kinds[name], kinds, often)
    if part.get("anyOf") == [{"type": "string"}, {"type": "null"}]:
        return {"type": ["string", "null"]}
    return {keyword: _placed(value, kinds, often) for keyword, value in part.items()}


def _name(part: Any) -> str | None:
    """Return the name of the definition that a part refers to."""
    return str(part["$ref"]).removeprefix(_DEFINITION) if isinstance(part, dict) and "$ref" in part else None
