"""Articles to start a test from: complete and correct, or any that the schema allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from blogs.article.schema import (
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
)

SENTENCE = "A heavy mug keeps coffee warm for longer than a thin one does on a cold morning outside."


def run(text: str, *, bold: bool = False, italic: bool = False, product_id: str | None = None) -> Run:
    return Run(text=text, bold=bold, italic=italic, product_id=product_id)


def paragraph(*runs: Run | str) -> Paragraph:
    return Paragraph(type="paragraph", runs=[run(part) if isinstance(part, str) else part for part in runs])


def heading(text: str, level: Any = 2) -> Heading:
    return Heading(type="heading", level=level, text=text)


def bullets(*items: str, ordered: bool = False) -> ListBlock:
    return ListBlock(type="list", ordered=ordered, items=[ListItem(runs=[run(item)]) for item in items])


def table(header: Sequence[str], *rows: Sequence[str]) -> Table:
    return Table(type="table", header=list(header), rows=[TableRow(cells=list(row)) for row in rows])


def product(product_id: str, pitch: str = "It keeps its heat.") -> ProductBlock:
    return ProductBlock(type="product", product_id=product_id, pitch=pitch)


def quote(text: str) -> Quote:
    return Quote(type="quote", runs=[run(text)])


def divider() -> Divider:
    return Divider(type="divider")


def good_blocks() -> list[Block]:
    return [
        paragraph(" ".join([SENTENCE] * 4)),
        heading("Thick walls or thin"),
        paragraph(" ".join([SENTENCE] * 5)),
        bullets("Weigh it in your hand", "Tap its rim"),
    ]


def article(blocks: Sequence[Block] | None = None, **changes: Any) -> ArticleContent:
    parts: dict[str, Any] = {
        "language": "en",
        "title": "How to choose a mug that stays warm",
        "meta_title": "Choosing a mug that keeps coffee warm",
        "meta_description": "Weight, glaze and handle decide how long a mug keeps coffee warm: what to look for.",
        "slug": "choose-a-mug-that-stays-warm",
        "excerpt": "What weight, glaze and handle say about a mug.",
        "tags": ["mugs", "coffee"],
        "blocks": good_blocks() if blocks is None else list(blocks),
    }
    return ArticleContent(**{**parts, **changes})


# Besides ordinary text, what breaks documents: line ends, NUL, joiners, blank letters, wide and right-to-left scripts.
any_text = st.text(
    st.one_of(
        st.characters(codec="utf-8"), st.sampled_from("ab ,.\n\r\t\0\u200b\u200d\u2028\xa0\u3000\u3164漢かあ。é\u0301ש")
    )
)
any_runs = st.lists(
    st.builds(
        Run,
        text=any_text,
        bold=st.booleans(),
        italic=st.booleans(),
        product_id=st.none() | st.sampled_from(["mug", "bad", "gone", ""]),
    ),
    max_size=4,
)
any_cells = st.lists(any_text, max_size=3)
any_blocks: st.SearchStrategy[Block] = st.one_of(
    st.builds(Heading, type=st.just("heading"), level=st.sampled_from([2, 3, 4]), text=any_text),
    st.builds(Paragraph, type=st.just("paragraph"), runs=any_runs),
    st.builds(
        ListBlock,
        type=st.just("list"),
        ordered=st.booleans(),
        items=st.lists(st.builds(ListItem, runs=any_runs), max_size=3),
    ),
    st.builds(Quote, type=st.just("quote"), runs=any_runs),
    st.builds(
        Table, type=st.just("table"), header=any_cells, rows=st.lists(st.builds(TableRow, cells=any_cells), max_size=3)
    ),
    st.builds(
        ProductBlock, type=st.just("product"), product_id=st.sampled_from(["mug", "bad", "gone"]), pitch=any_text
    ),
    st.builds(Image, type=st.just("image"), product_id=st.sampled_from(["mug", "bad", "gone"]), caption=any_text),
    st.builds(Button, type=st.just("button"), product_id=st.sampled_from(["mug", "bad", "gone"]), text=any_text),
    st.builds(Divider, type=st.just("divider")),
)
any_articles: st.SearchStrategy[ArticleContent] = st.builds(
    ArticleContent,
    language=any_text,
    title=any_text,
    meta_title=any_text,
    meta_description=any_text,
    slug=any_text,
    excerpt=any_text,
    tags=st.lists(any_text, max_size=10),
    blocks=st.lists(any_blocks, max_size=8),
)
