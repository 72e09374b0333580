"""Articles rendered as Wix's rich content, with products that tests know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blogs.article.ricos import ProductCard, marker_for, render
from blogs.article.schema import ArticleContent, Block
from tests.support.blogs.articles import (
    article,
)

MARKER = marker_for(7, "secret")


MUG = ProductCard(
    id="mug",
    name="Blue mug",
    url="https://shop.example/product-page/blue-mug?a=1",
    image_id="a_b~mv2.jpg",
    image_width=900,
    image_height=600,
    alt_text="A blue mug on a table",
)


CARDS = {"mug": MUG, "bad": ProductCard("bad", "Bad\nlink", "javascript:alert(1)", "wix:image://v1/a", 1, 1, "")}


def rendered(
    blocks: Sequence[Block] | ArticleContent,
    cards: dict[str, ProductCard] | None = None,
    related: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    written = blocks if isinstance(blocks, ArticleContent) else article(blocks)
    known = CARDS if cards is None else cards
    return render(written, marker=MARKER, products=known, allowed_hosts=["Shop.example"], related=related)
