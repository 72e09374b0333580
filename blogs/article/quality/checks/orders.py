"""Checks that no order which somebody wrote into a product's text was obeyed."""

from __future__ import annotations

from collections.abc import Iterator

from blogs.article.quality.data import ERROR, Finding, Products
from blogs.article.quality.subject import Subject
from blogs.article.quality.text import lexicon
from blogs.article.quality.text.words import sentences, shingles

_SIZE = 3
# So much of the order's words must stand in one sentence of the article.
_OBEYED = 0.34


def check(subject: Subject) -> Iterator[Finding]:
    orders = [shingles(order, _SIZE) for order in _orders(subject.products, subject.language)]
    if not orders:
        return
    for part, sentence in subject.sentences:
        said = shingles(sentence, _SIZE)
        if any(len(said & order) >= max(2, _OBEYED * min(len(said), len(order))) for order in orders):
            yield part.finding("obeys an order in a product's text", ERROR, sentence)


def _orders(products: Products, language: str) -> list[str]:
    """Return the sentences of product texts that speak to a writer."""
    said = (sentence for product in products for sentence in sentences(product["text"]))
    return [sentence for sentence in said if lexicon.is_order(sentence, language)]
