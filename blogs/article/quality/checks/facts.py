"""Checks what a clause that names a product says of it, against the shop's facts: amounts with a unit, and colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Part, Subject, facts
from blogs.article.quality.text import names
from blogs.article.quality.text.amounts import Amount, amounts, same
from blogs.article.quality.text.words import clauses, words

# A clause before the one that names the product belongs to it if it is no longer: "With its 12 m, the lead ...".
_INTRODUCTORY_WORDS = 6
# What Germanic languages put before a colour, as one word.
_SHADE = re.compile(
    r"^(?:dunkel|hell|knall|tief|kräftig|donker|licht|fel|knal|mörk|ljus|klar|knall|mørk|lys|knald)(?=\w{3})"
)
# How an option begins that is a colour, in any language.
_COLOUR = (
    "colo", "coul", "culo", "farb", "färg", "farv", "farge", "kleur", "kolor", "barv", "boja", "renk", "väri", "szín", "spalva",
    "цвет", "колір", "χρώμα", "צבע", "لون", "색", "色", "颜色", "カラー", "สี", "màu", "warna", "रंग",
)  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    of_products = {product["id"]: list(amounts(facts(product))) for product in subject.products}
    asked = list(amounts("\n".join(subject.said_in_the_request)))
    for part, sentence in subject.sentences:
        for clause, products in _clauses_on_products(subject, part, sentence):
            allowed = [amount for product in products for amount in of_products[product["id"]]]
            yield from _amounts(part, clause, allowed, asked)
            yield from _colours(subject, part, clause, products)


def _clauses_on_products(subject: Subject, part: Part, sentence: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    shown = subject.by_id.get(part.product_id)
    if shown is not None:
        # A card is about one product from its first word to its last.
        yield sentence, [shown, *(product for product in subject.named_in(sentence) if product is not shown)]
        return
    linked = [link for link in part.links if link.words and link.words in sentence]
    pieces = clauses(sentence)
    for at, clause in enumerate(pieces):
        products = subject.named_in(clause)
        products += [
            subject.by_id[link.product_id]
            for link in linked
            if link.words in clause
            and link.product_id in subject.by_id
            and subject.by_id[link.product_id] not in products
        ]
        if not products:
            continue
        before = pieces[at - 1] if at else ""
        is_introduction = before and len(words(before)) <= _INTRODUCTORY_WORDS and not subject.named_in(before)
        yield (f"{before}, {clause}" if is_introduction else clause), products


def _amounts(part: Part, clause: str, allowed: list[Amount], asked: list[Amount]) -> Iterator[Finding]:
    """Name amounts that none of the facts has, of a dimension that the facts do speak of. A name's own numbers are facts too."""
    dimensions = {amount.dimension for amount in allowed}
    for amount in amounts(clause):
        if amount.dimension not in dimensions:
            continue
        if not any(
            amount.dimension == fact.dimension and same(amount.value, fact.value) for fact in (*allowed, *asked)
        ):
            yield part.finding("amount that the facts don't have", ERROR, amount.written)
            return


def _colours(subject: Subject, part: Part, clause: str, products: list[dict[str, Any]]) -> Iterator[Finding]:
    """Name a colour in which the shop doesn't have the product, where the clause offers it in a colour."""
    colours = subject.lexicon["colours"]
    said = "\n".join(facts(product) for product in products)
    if not colours.found(said) and not any(_is_colour(option) for p in products for option in p.get("options", ())):
        return
    if not subject.lexicon["offered"].found(clause):
        return
    known = set(words(said))
    for word in words(clause):
        if colours.found(_SHADE.sub("", word)) and not any(names.is_named(fact, word) for fact in known):
            yield part.finding("colour that the facts don't have", ERROR, word)
            return


def _is_colour(option: dict[str, Any]) -> bool:
    name = option["name"].casefold()
    return name.startswith(_COLOUR) or name in ("cor", "cores")
