"""Mends how an article is built: a list of one, a heading with nothing under it, bold everywhere, tags that say the same, a
disclosure that the shop asks for and the article lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from blogs.article.quality.data import WARNING, Finding
from blogs.article.quality.text.words import folded, words
from blogs.article.schema import ArticleContent, Block, Divider, Heading, ListBlock, Paragraph, Quote, Run, block_texts
from wix.writing_systems import shortened

# Where more is bold, nothing is.
_BOLD_MAX = 0.3


def restructured(article: ArticleContent, *, disclosure: str) -> tuple[ArticleContent, list[Finding]]:
    """Return the article, and what was done to it. To do it twice changes nothing more."""
    done: list[Finding] = []
    blocks = _without_single_lists(article.blocks, done)
    blocks = _without_empty_headings(blocks, done)
    blocks = _less_bold(blocks, done)
    blocks = _with_disclosure(blocks, disclosure.strip(), done)
    return article.model_copy(update={"blocks": blocks, "tags": _different(article.tags, done)}), done


def _done(check: str, place: str, quote: str, done: str) -> Finding:
    return Finding(check, WARNING, place, shortened(quote, 80), done)


def _without_single_lists(blocks: Sequence[Block], done: list[Finding]) -> list[Block]:
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, ListBlock) and len(block.items) == 1:
            kept.append(Paragraph(type="paragraph", runs=_as_sentence(block.items[0].runs)))
            done.append(
                _done("list of one", "list", "".join(run.text for run in block.items[0].runs), "made a paragraph")
            )
        else:
            kept.append(block)
    return kept


def _as_sentence(runs: list[Run]) -> list[Run]:
    last = runs[-1] if runs else None
    if last is None or not last.text[-1:].isalnum():
        return runs
    stop = "。" if re.search("[\u3040-\u30ff\u4e00-\u9fff]", last.text) else "."
    return [*runs[:-1], last.model_copy(update={"text": f"{last.text}{stop}"})]


def _without_empty_headings(blocks: Sequence[Block], done: list[Finding]) -> list[Block]:
    """Leave out headings that head nothing: the next block is a heading of the same or a higher level, or there is none."""
    kept: list[Block] = []
    level_below = 0
    for block in reversed(blocks):
        if isinstance(block, Heading):
            if (level_below and block.level >= level_below) or not kept:
                done.append(_done("heading without a text", "headings", block.text, "left out"))
                continue
            level_below = block.level
        elif not isinstance(block, Divider):
            level_below = 0
        elif not kept:
            continue
        kept.append(block)
    return kept[::-1]


def _less_bold(blocks: list[Block], done: list[Finding]) -> list[Block]:
    runs = [run for block in blocks for run in _runs_of(block)]
    letters = sum(len(run.text) for run in runs)
    if sum(len(run.text) for run in runs if run.bold) <= _BOLD_MAX * letters:
        return blocks
    done.append(_done("bold everywhere", "body", "", "made plain"))
    return [_plain(block) for block in blocks]


def _runs_of(block: Block) -> Iterator[Run]:
    match block:
        case Paragraph() | Quote():
            yield from block.runs
        case ListBlock():
            for item in block.items:
                yield from item.runs


def _plain(block: Block) -> Block:
    match block:
        case Paragraph() | Quote():
            return block.model_copy(update={"runs": [run.model_copy(update={"bold": False}) for run in block.runs]})
        case ListBlock():
            items = [
                item.model_copy(update={"runs": [run.model_copy(update={"bold": False}) for run in item.runs]})
                for item in block.items
            ]
            return block.model_copy(update={"items": items})
        case _:
            return block


def _with_disclosure(blocks: list[Block], disclosure: str, done: list[Finding]) -> list[Block]:
    if not disclosure or any(folded(disclosure) in folded(text) for block in blocks for text in block_texts(block)):
        return blocks
    done.append(_done("disclosure is missing", "end", disclosure, "added"))
    run = Run(text=disclosure, bold=False, italic=False, product_id=None)
    return [*blocks, Paragraph(type="paragraph", runs=[run])]


def _different(tags: list[str], done: list[Finding]) -> list[str]:
    """Keep one of tags that have the same words, in whatever order and number."""
    kept: dict[str, str] = {}
    for tag in tags:
        kept.setdefault(" ".join(sorted(word.rstrip("s") for word in words(tag))) or tag, tag)
    if len(kept) < len(tags):
        done.append(_done("tags that say the same", "tags", ", ".join(tags), "left out"))
    return list(kept.values())
