"""Takes off markup that was left in the text: Markdown, HTML, entities. An article about such markup keeps it."""

from __future__ import annotations

import html
import re
from typing import Any, TypeVar

from blogs.article.schema import (
    ArticleContent,
    Block,
    Button,
    Heading,
    Image,
    ListBlock,
    Paragraph,
    ProductBlock,
    Quote,
    Run,
    Table,
    TableRow,
)

_Block = TypeVar("_Block", Heading, Button, ProductBlock, Image)

_SUBJECT = re.compile(r"</?[a-z]|\bhtml|\bxml|markdown|\bcss\b|latex|regex")
_LINK = re.compile(r"!?\[([^\[\]]{1,200})\]\([^()\s]{0,300}\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,400}?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=[^\s*_])([^*_]{1,300}?)(?<=[^\s*_])\1(?![\w*_])")
_CODE = re.compile(r"`{1,3}([^`]{1,300})`{1,3}")
_LINE = re.compile(r"^(?:#{1,6}\s+|>\s+|[*•-]\s+(?=\S))", re.MULTILINE)
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|em|br|hr|ul|ol|li|h[1-6]|div|img|span|code|pre|sup|sub|strong|small|table|t[rdh]|blockquote)\b[^<>]{0,300}>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{2,5}|#x[0-9a-f]{2,4});", re.IGNORECASE)


def without_markup(article: ArticleContent, *, about: str) -> ArticleContent:
    if _SUBJECT.search(about):
        return article
    changes: dict[str, Any] = {
        name: plain(getattr(article, name)) for name in ("title", "meta_title", "meta_description", "excerpt")
    }
    changes["tags"] = [plain(tag) for tag in article.tags]
    changes["blocks"] = [_block(block) for block in article.blocks]
    return article.model_copy(update=changes)


def plain(text: str) -> str:
    if not any(sign in text for sign in "*_`#<&[>•-"):
        return text
    for pattern, kept in (
        (_LINK, r"\1"),
        (_STRONG, r"\2"),
        (_EMPHASIS, r"\2"),
        (_CODE, r"\1"),
        (_LINE, ""),
        (_TAG, ""),
    ):
        text = pattern.sub(kept, text)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _block(block: Block) -> Block:
    match block:
        case Heading():
            return _changed(block, text=plain(block.text))
        case Button():
            return _changed(block, text=plain(block.text))
        case Paragraph() | Quote():
            return block.model_copy(update={"runs": _runs(block.runs)})
        case ListBlock():
            items = [item.model_copy(update={"runs": _runs(item.runs)}) for item in block.items]
            return block.model_copy(update={"items": items})
        case Table():
            rows = [TableRow(cells=[plain(cell) for cell in row.cells]) for row in block.rows]
            return block.model_copy(update={"header": [plain(cell) for cell in block.header], "rows": rows})
        case ProductBlock():
            return _changed(block, pitch=plain(block.pitch))
        case Image():
            return _changed(block, caption=plain(block.caption))
        case _:
            return block


def _changed(block: _Block, **texts: str) -> _Block:
    return (
        block if all(getattr(block, name) == text for name, text in texts.items()) else block.model_copy(update=texts)
    )


def _runs(runs: list[Run]) -> list[Run]:
    return [run if (text := _in_run(run, runs)) == run.text else run.model_copy(update={"text": text}) for run in runs]


def _in_run(run: Run, runs: list[Run]) -> str:
    """Only a paragraph's first run begins a line."""
    return plain(run.text) if run is runs[0] or run.text.lstrip(" ")[:1] not in "-*>#•" else _after_the_first(run.text)


def _after_the_first(text: str) -> str:
    return plain(f"\x00{text}").removeprefix("\x00")
