"""Which of the shop's products the article may speak of, read once and kept as they were."""

from __future__ import annotations

import re
from typing import Any

from blogs.models import SourceType
from blogs.stages import Inputs
from wix import catalog
from workers.errors import PermanentError

# More would not fit an article, and each costs prompt tokens.
_AT_MOST = 6
_WORD = re.compile(r"\w{3,}")


def run(inputs: Inputs) -> dict[str, Any]:
    """`source_text` is what the article is about, in words: for a product, its name."""
    if inputs.source_type != SourceType.PRODUCT:
        products = catalog.products(inputs.instance_id, seconds=inputs.seconds)
        chosen = _fitting(inputs.source_id, products)
        return {"source_text": inputs.source_id, "products": [product.as_dict() for product in chosen]}
    found = catalog.product(inputs.instance_id, inputs.source_id, seconds=inputs.seconds)
    if found is None:
        raise PermanentError("source_not_found", f"The shop has no product with the id {inputs.source_id[:60]!r}.")
    return {"source_text": found.name, "products": [found.as_dict()]}


def _fitting(text: str, products: list[catalog.Product]) -> list[catalog.Product]:
    """Those that share most words with the topic come first; what is in stock before what isn't."""
    topic = _words(text)

    def rank(product: catalog.Product) -> tuple[int, bool]:
        return (-2 * len(topic & _words(product.name)) - len(topic & _words(product.text)), not product.in_stock)

    return sorted(products, key=rank)[:_AT_MOST]


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
