"""Mends what the writer got wrong and code can put right, so that no blog pays for another answer because of it.

What an article says is the writer's. Mended is its form: parts around the body that are missing and stand in the article already,
tables, headings that head nothing, links and cards of products that the shop doesn't have. What is left is judged by
`rules.problems`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from blogs.article import plain_text as texts
from blogs.article import wording
from blogs.article.rules import META_DESCRIPTION_MIN, tidied
from blogs.article.schema import (
    EXCERPT_MAX,
    META_DESCRIPTION_MAX,
    META_TITLE_MAX,
    TITLE_MAX,
    ArticleContent,
    Block,
    Button,
    Heading,
    Idea,
    Image,
    InvalidArticle,
    ListBlock,
    Paragraph,
    ProductBlock,
    Quote,
    Run,
    Table,
    TableRow,
    joined,
    parse_article,
    parse_idea,
)
from wix.writing_systems import shortened
from workers.texts import parsed_json


def article_of(text: str, *, product_ids: Collection[str], title: str, about: str = "") -> ArticleContent:
    """Read an answer as an article, mended. Raises InvalidArticle for one that is none.

    `title` is the outline's; `about` holds the shop's own texts, as for `rules.problems`.
    """
    try:
        article = parse_article(text)
    except InvalidArticle:
        article = parse_article(_in_shape(ArticleContent, text))
    return mended(article, product_ids=product_ids, title=title, about=about)


def idea_of(text: str, *, topic: str) -> Idea:
    """Read an answer as an outline, mended. Raises InvalidArticle for one that is none, or that has no section."""
    try:
        return parse_idea(text)
    except InvalidArticle:
        return parse_idea(_with_its_parts(_in_shape(Idea, text), topic))


def _with_its_parts(text: str, topic: str) -> str:
    """Give an outline the title and the picture that it lacks, and leave out sections without a heading."""
    try:
        idea = Idea.model_validate_json(text)
    except ValidationError:
        return text
    title = idea.title.strip() or shortened(texts.one_line(topic), TITLE_MAX)
    changes = {
        "title": title,
        "image_prompt": idea.image_prompt.strip() or f"A photograph that shows: {title}.",
        "sections": [section for section in idea.sections if section.heading.strip()],
    }
    return idea.model_copy(update=changes).model_dump_json()


def mended(article: ArticleContent, *, product_ids: Collection[str], title: str, about: str = "") -> ArticleContent:
    """Return the article tidied and mended. Mending twice changes nothing more."""
    article, shop = tidied(article), _Shop(product_ids, about)
    blocks = list(_mended_blocks(article.blocks, shop))
    first = next((joined(block.runs) for block in blocks if isinstance(block, Paragraph)), "")
    title = shop.as_title(article.title) or texts.one_line(title)
    description = shop.spared(article.meta_description)
    excerpt = shop.spared(article.excerpt) or description or first
    changes: dict[str, Any] = {
        "title": shortened(title, TITLE_MAX),
        "meta_title": shortened(shop.spared(shop.as_title(article.meta_title)) or title, META_TITLE_MAX),
        "meta_description": _long_enough([description, excerpt, first]),
        "excerpt": shortened(excerpt, EXCERPT_MAX),
        "tags": [tag for tag in article.tags if shop.spared(tag)],
        "blocks": blocks,
    }
    # Where a block has gone, a level may be left out.
    return tidied(article.model_copy(update=changes))


def _long_enough(candidates: list[str]) -> str:
    """Return the first that says enough for search results; else all of them, one after the other."""
    said = ""
    for candidate in candidates:
        if texts.columns(candidate) >= META_DESCRIPTION_MIN:
            return shortened(candidate, META_DESCRIPTION_MAX)
        if candidate not in said:
            said = f"{said} {candidate}".strip()
    return shortened(said, META_DESCRIPTION_MAX)


class _Shop:
    """What the shop has and says: its products by their ids, as the writer may have copied them, and its own texts."""

    def __init__(self, ids: Collection[str], about: str) -> None:
        self._ids = {known.casefold(): known for known in ids}
        self._about = about

    def as_title(self, heading: str) -> str:
        """Return the heading, or nothing for one that says only what it is."""
        return "" if any(wording.problems_of_titles([heading], about=self._about)) else heading

    def spared(self, text: str) -> str:
        """Return a text that the article can do without, or nothing for one that gives it away."""
        return "" if any(wording.problems_of_texts([text], [], about=self._about)) else text

    def known(self, written: str | None) -> str | None:
        return self._ids.get((written or "").strip().casefold())

    def linked(self, runs: Iterable[Run]) -> list[Run]:
        """Leave out the links to products that the shop doesn't have. The text stays."""
        return [
            run
            if run.product_id == (known := self.known(run.product_id))
            else run.model_copy(update={"product_id": known})
            for run in runs
        ]


def _mended_blocks(blocks: Iterable[Block], shop: _Shop) -> Iterator[Block]:
    for block in blocks:
        match block:
            case Heading():
                if shop.as_title(block.text):
                    yield block
            case Paragraph() | Quote():
                yield block.model_copy(update={"runs": shop.linked(block.runs)})
            case ListBlock():
                items = [item.model_copy(update={"runs": shop.linked(item.runs)}) for item in block.items]
                yield block.model_copy(update={"items": items})
            case Table():
                yield from _mended_table(block)
            case ProductBlock() | Image() | Button():
                yield from _mended_card(block, shop)
            case _:
                yield block


def _mended_card(block: ProductBlock | Image | Button, shop: _Shop) -> Iterator[Block]:
    """Leave out what shows a product that the shop doesn't have, and a button that says nothing.

    A product about which nothing is said is shown by its photo, which leads to it.
    """
    known = shop.known(block.product_id)
    if known is None:
        return
    match block:
        case ProductBlock():
            if pitch := shop.spared(block.pitch):
                yield block.model_copy(update={"product_id": known, "pitch": pitch})
            else:
                yield Image(type="image", product_id=known, caption="")
        case Image():
            yield block.model_copy(update={"product_id": known, "caption": shop.spared(block.caption)})
        case Button():
            if text := shop.spared(block.text):
                yield block.model_copy(update={"product_id": known, "text": text})


# A table that is larger is mended only where it grows by no more than half.
_CELLS_MAX = 2_000


def _mended_table(table: Table) -> Iterator[Block]:
    """Make all rows as wide as the widest, without rows and columns that say nothing. The first row heads one without a header.

    A header that is one cell short of every row lacks its corner.
    """
    header, bodies = table.header, [row.cells for row in table.rows]
    if any(header) and bodies and all(len(cells) == len(header) + 1 for cells in bodies):
        header = ["", *header]
    rows = [cells for cells in (header, *bodies) if any(cells)]
    width = max((len(cells) for cells in rows), default=0)
    if width * len(rows) > max(_CELLS_MAX, 2 * sum(map(len, rows))):
        yield table  # filled up, it would be many times as large: the rules refuse it as it is
        return
    filled = [cells + [""] * (width - len(cells)) for cells in rows]
    said = [number for number in range(width) if any(cells[number] for cells in filled)]
    header, *others = [[cells[number] for number in said] for cells in filled] or [[]]
    if others:
        yield table.model_copy(update={"header": header, "rows": [TableRow(cells=cells) for cells in others]})


# --- The schema ---------------------------------------------------------------------------------------------------------
#
# Servers without strict schemas add fields, leave some out, and have their own idea of a heading's level.

# What a field that is missing, or null, may be taken for. The rest is what the article says, and can't be made up.
_UNSAID: dict[str, Any] = {
    "angle": "", "audience": "", "bold": False, "caption": "", "excerpt": "", "image_alt_text": "", "image_prompt": "",
    "italic": False, "level": 2, "meta_description": "", "meta_title": "", "ordered": False, "pitch": "", "product_id": None,
    "product_ids": (), "purpose": "", "slug": "", "tags": (), "title": "",
}  # fmt: skip
# How what stands bare in such a list is written out.
_WRITTEN_OUT: dict[str, Callable[[Any], Any]] = {
    "blocks": lambda text: {"type": "paragraph", "runs": [text]},
    "runs": lambda text: {"text": text},
    "items": lambda text: {"runs": [text]},
    "rows": lambda cells: {"cells": cells},
}
# Each round mends all that the schema names. What was written out may have more to mend within it.
_ROUNDS = 6
# An answer with more is none that could be mended, and to try would keep all other threads waiting: it takes quadratic time.
_FAULTS_MAX = 2_000


def _in_shape(model: type[BaseModel], text: str) -> str:
    """Return the answer as the schema wants it, as far as nothing has to be made up for it."""
    try:
        answer = parsed_json(text)
    except ValueError:
        return text
    for _ in range(_ROUNDS):
        try:
            model.model_validate(answer)
        except ValidationError as error:
            if error.error_count() > _FAULTS_MAX:
                break
            named = error.errors(include_url=False)
            lacking = [problem for problem in named if problem["type"] != "extra_forbidden"]
            # What is too much goes last: it may be what is lacking elsewhere, under another name.
            if not (_put_all_right(answer, lacking) or _put_all_right(answer, named)):
                break
        else:
            break
    return json.dumps(answer)


def _put_all_right(answer: Any, problems: Sequence[Any]) -> int:
    """Mend what can be. From the end: what is removed must not move what is named after it."""
    return sum(_put_right(answer, problem) for problem in reversed(problems))


def _put_right(answer: Any, problem: Any) -> bool:
    """Mend what a problem of the schema names. False: it can't be."""
    *path, name = problem["loc"] or [None]
    holder = _at(answer, path)
    if isinstance(holder, list) and isinstance(name, int) and name < len(holder):
        _put_right_in_list(holder, name, str(path[-1]))
        return True
    if not isinstance(holder, dict) or not isinstance(name, str):
        return False
    value = holder.get(name)
    if problem["type"] == "extra_forbidden":
        del holder[name]
    elif name == "runs" and isinstance(text := value or holder.get("text"), str):
        holder[name] = [text]
    elif value is None and name in _UNSAID:
        holder[name] = _UNSAID[name]
    elif name == "level":
        # As a number out of range, or in words: "2", "h2".
        digit = next((int(character) for character in str(value) if character in "0123456789"), 2)
        holder[name] = min(max(digit, 2), 4)
    elif problem["type"] == "string_type" and isinstance(value, int | float):
        holder[name] = str(value)
    else:
        return False
    return True


def _put_right_in_list(holder: list[Any], number: int, name: str) -> None:
    """Write out what stands bare; leave out what is none, such as a block of a kind that there is not."""
    value = holder[number]
    if name in _WRITTEN_OUT and isinstance(value, list if name == "rows" else str):
        holder[number] = _WRITTEN_OUT[name](value)
    elif isinstance(value, int | float):
        holder[number] = str(value)
    else:
        del holder[number]


def _at(answer: Any, path: list[Any]) -> Any:
    """Follow a problem's path. Behind a block's number it names the block's kind, which is no step into it."""
    found = answer
    for step in path:
        if isinstance(found, dict) and step == found.get("type"):
            continue
        if (isinstance(found, list) and isinstance(step, int) and step < len(found)) or (
            isinstance(found, dict) and step in found
        ):
            found = found[step]
        else:
            return None
    return found
