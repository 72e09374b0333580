"""Mends parts that are missing and stand in the article already, tables, headings that head nothing, links and cards of products
that the shop doesn't have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from blogs.article import plain_text as texts
from blogs.article.quality.checks import wording
from blogs.article.quality.mends.tidying import tidied
from blogs.article.schema import (
    EXCERPT_MAX,
    META_DESCRIPTION_MAX,
    META_DESCRIPTION_MIN,
    META_TITLE_MAX,
    TITLE_MAX,
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
    joined,
)
from wix.writing_systems import shortened


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
