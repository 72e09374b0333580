"""The rules for an article that a schema can't express: `tidied` cleans its texts, `mending` mends its form, and `problems` names
what is left."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from blogs.article import plain_text as texts
from blogs.article import wording
from blogs.article.schema import (
    ALT_TEXT_MAX,
    BLOCKS_MIN,
    BUTTON_MAX,
    EXCERPT_MAX,
    META_DESCRIPTION_MAX,
    META_TITLE_MAX,
    SLUG_MAX,
    TAG_MAX,
    TAGS_MAX,
    TITLE_MAX,
    WORDS_MIN,
    ArticleContent,
    Block,
    Button,
    Divider,
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
    block_texts,
    joined,
    products_named,
    word_count,
)
from blogs.article.slugs import slug
from wix import languages
from wix.writing_systems import normalized, shortened

META_DESCRIPTION_MIN = 70
_TAG_READ = 1_000

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


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
