"""Cleans an article's texts: lines, spaces, lengths, tags, the slug, levels of headings. What it says stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from blogs.article import plain_text as texts
from blogs.article.schema import (
    ALT_TEXT_MAX,
    BUTTON_MAX,
    EXCERPT_MAX,
    META_DESCRIPTION_MAX,
    META_TITLE_MAX,
    SLUG_MAX,
    TAG_MAX,
    TAGS_MAX,
    TITLE_MAX,
    ArticleContent,
    Block,
    Button,
    Heading,
    Image,
    ListBlock,
    ListItem,
    Paragraph,
    ProductBlock,
    Quote,
    Run,
    Table,
    TableRow,
    joined,
)
from blogs.article.slugs import slug
from wix.writing_systems import normalized, shortened

_TAG_READ = 1_000

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def tidied(article: ArticleContent) -> ArticleContent:
    """Mend all that needs no writer, and return the article. Tidying twice changes nothing more."""
    return article.model_copy(
        update={
            "language": texts.one_line(article.language),
            "title": _short_line(article.title, TITLE_MAX),
            "meta_title": _short_line(article.meta_title, META_TITLE_MAX),
            "meta_description": _short_line(article.meta_description, META_DESCRIPTION_MAX),
            "slug": slug(article.slug, SLUG_MAX) or slug(article.title, SLUG_MAX),
            "excerpt": _short_line(article.excerpt, EXCERPT_MAX),
            "tags": _tidied_tags(article.tags),
            "blocks": list(_tidied_blocks(article.blocks)),
        }
    )


def _short_line(text: str, limit: int) -> str:
    return shortened(texts.one_line(text), limit)


def _tidied_tags(tags: Iterable[str]) -> list[str]:
    unique: dict[str, str] = {}
    for tag in tags:
        # Composed, as Wix keeps those that people type; cut first, since composing a long run of accents takes quadratic time.
        composed = normalized("NFC", texts.one_line(tag)[:_TAG_READ])
        text = _short_line(composed.lstrip("# "), TAG_MAX)
        if text:
            unique.setdefault(texts.folded(text), text)
    return list(unique.values())[:TAGS_MAX]


def _tidied_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    level = 1
    for block in blocks:
        if isinstance(block, Heading):
            level = min(block.level, level + 1)
            yield Heading.model_validate({"type": "heading", "level": level, "text": texts.one_line(block.text)})
        else:
            yield from _tidied_block(block)


def _tidied_block(block: Block) -> Iterator[Block]:
    """Yield nothing for a block without text, and several paragraphs for one with blank lines in it."""
    match block:
        case Paragraph():
            yield from (
                Paragraph(type="paragraph", runs=runs) for runs in map(_tidied_runs, _paragraphs(block.runs)) if runs
            )
        case Quote():
            if runs := _tidied_runs(block.runs):
                yield block.model_copy(update={"runs": runs})
        case ListBlock():
            if items := [ListItem(runs=runs) for item in block.items if (runs := _tidied_runs(item.runs))]:
                yield block.model_copy(update={"items": items})
        case Table():
            rows = [TableRow(cells=_tidied_cells(row.cells)) for row in block.rows]
            yield block.model_copy(update={"header": _tidied_cells(block.header), "rows": rows})
        case ProductBlock():
            pitch = texts.one_line(block.pitch)
            yield block.model_copy(update={"product_id": block.product_id.strip(), "pitch": pitch})
        case Image():
            caption = _short_line(block.caption, ALT_TEXT_MAX)
            yield block.model_copy(update={"product_id": block.product_id.strip(), "caption": caption})
        case Button():
            text = _short_line(block.text, BUTTON_MAX)
            yield block.model_copy(update={"product_id": block.product_id.strip(), "text": text})
        case _:
            yield block


def _tidied_cells(cells: Iterable[str]) -> list[str]:
    return [texts.one_line(cell) for cell in cells]


def _paragraphs(runs: Iterable[Run]) -> list[list[Run]]:
    paragraphs: list[list[Run]] = [[]]
    for run in runs:
        first, *others = _BLANK_LINE.split(texts.printable(run.text))
        paragraphs[-1].append(_saying(run, first))
        paragraphs += [[_saying(run, text)] for text in others]
    return paragraphs


def _tidied_runs(runs: Iterable[Run]) -> list[Run]:
    """Leave single spaces, also where two runs meet, and none at the ends. Drop runs without text."""
    kept: list[Run] = []
    for run in runs:
        text = texts.spaced(run.text)
        if not kept or kept[-1].text.endswith(" "):
            text = text.lstrip(" ")
        if text:
            product_id = (run.product_id or "").strip() or None
            same = product_id == run.product_id
            kept.append(_saying(run if same else run.model_copy(update={"product_id": product_id}), text))
    if kept:
        last = kept.pop()
        text = last.text.rstrip(" ")
        kept += [_saying(last, text)] if text else []
    return kept if joined(kept).strip() else []


def _saying(run: Run, text: str) -> Run:
    """Return the run with this text; the run itself if it has it already. Copying a hundred runs is most of what tidying costs."""
    return run if run.text == text else run.model_copy(update={"text": text})
