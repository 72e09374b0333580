"""Reads an answer that was cut at its token limit, as far as it is whole. Sections that it lacks can be written by themselves."""

from __future__ import annotations

import json
import re
from typing import Any

from blogs.article.quality.mends.shape import article_in
from blogs.article.schema import ArticleContent, InvalidArticle

_BLOCKS = re.compile(r'"blocks"\s*:\s*\[')


def begun_in(text: str) -> ArticleContent | None:
    """Return the article without the section that was cut, or None where not even two sections are whole."""
    found = _BLOCKS.search(text)
    if found is None:
        return None
    blocks = whole_parts(text, found.end())
    headings = [number for number, block in enumerate(blocks) if _heads_a_section(block)]
    if len(headings) < 3:
        return None
    # Its last section may go on where the answer was cut.
    kept = blocks[: headings[-1]]
    try:
        return article_in(f"{text[: found.end()]}{','.join(json.dumps(block) for block in kept)}]}}")
    except InvalidArticle:
        return None


def whole_parts(text: str, at: int) -> list[Any]:
    """Return the members of the JSON list that begins at `at`, up to the one in which the text was cut."""
    decoder, parts = json.JSONDecoder(), list[Any]()
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            part, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return parts
        parts.append(part)


def _heads_a_section(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "heading" and block.get("level") == 2
