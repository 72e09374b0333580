"""The rules for an article's form that a schema can't express: empty and long parts, tables, levels of headings, ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from blogs.article import plain_text as texts
from blogs.article.quality.checks import wording
from blogs.article.schema import (
    BLOCKS_MIN,
    EXCERPT_MAX,
    META_DESCRIPTION_MAX,
    META_DESCRIPTION_MIN,
    META_TITLE_MAX,
    TITLE_MAX,
    WORDS_MIN,
    ArticleContent,
    Block,
    Divider,
    Heading,
    Image,
    Table,
    TableRow,
    block_texts,
    products_named,
    word_count,
)
from wix import languages


def problems(article: ArticleContent, *, product_ids: Collection[str], language: str, about: str = "") -> list[str]:
    """Say why the article can't be published, for the writer's one repair. Empty when it can.

    `about`: the shop's own texts. What they speak of is no fault of the article.
    """
    return [
        *_language_problems(article, language),
        *_part_problems(article),
        *_wording_problems(article, about),
        *_structure_problems(article),
        *(f"unknown product id {unknown!r}" for unknown in sorted(set(products_named(article)) - set(product_ids))),
    ]


def _language_problems(article: ArticleContent, language: str) -> Iterator[str]:
    if not languages.same(article.language, language):
        yield f"written in {article.language!r}, not in {language!r}"


def _part_problems(article: ArticleContent) -> Iterator[str]:
    parts = {
        "title": (article.title, TITLE_MAX),
        "meta_title": (article.meta_title, META_TITLE_MAX),
        "meta_description": (article.meta_description, META_DESCRIPTION_MAX),
        "excerpt": (article.excerpt, EXCERPT_MAX),
    }
    for name, (text, limit) in parts.items():
        if not text.strip():
            yield f"{name} is empty"
        elif len(text) > limit:
            yield f"{name} is longer than {limit} characters"
    if 0 < texts.columns(article.meta_description.strip()) < META_DESCRIPTION_MIN:
        yield f"meta_description is shorter than {META_DESCRIPTION_MIN} characters"
    for number, block in enumerate(article.blocks, start=1):
        if _has_empty_part(block):
            yield f"block {number} ({block.type}) has an empty part"


def _has_empty_part(block: Block) -> bool:
    match block:
        case Divider() | Image():  # a photo speaks for itself
            return False
        case Table():  # a cell may be empty, the first of a header often is
            return not block.rows or not any(cell.strip() for cell in block.header)
        case _:
            parts = block_texts(block)
            return not parts or not all(part.strip() for part in parts)


def _wording_problems(article: ArticleContent, about: str) -> Iterator[str]:
    headings = [block.text for block in article.blocks if isinstance(block, Heading)]
    head = (article.title, article.meta_title, article.meta_description, article.excerpt, *article.tags)
    body = (text for block in article.blocks for text in block_texts(block))
    yield from wording.problems_of_titles((article.title, article.meta_title, *headings), about=about)
    yield from wording.problems_of_texts(head, body, about=about)


def _structure_problems(article: ArticleContent) -> Iterator[str]:
    if len(article.blocks) < BLOCKS_MIN:
        yield f"{len(article.blocks)} blocks, at least {BLOCKS_MIN} are needed"
    if (count := word_count(article)) < WORDS_MIN:
        yield f"{count} words, at least {WORDS_MIN} are needed"
    level = 1  # the title
    for number, block in enumerate(article.blocks, start=1):
        if isinstance(block, Heading):
            if block.level > level + 1:
                yield f"block {number}: heading level {block.level} follows level {level}"
            level = block.level
        if isinstance(block, Table) and any(len(row.cells) != len(block.header) for row in block.rows):
            yield f"block {number}: a row of the table is not as wide as its header"
        elif isinstance(block, Table) and any(block.header[1:]) and any(map(_is_only_a_name, block.rows)):
            yield f"block {number}: a row of the table has a name and says nothing of it"


def _is_only_a_name(row: TableRow) -> bool:
    """A row that a writer broke off, and that was filled up to the header's width."""
    return sum(bool(cell.strip()) for cell in row.cells) < 2
