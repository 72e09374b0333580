"""Checks how products are named: those that are sold out, links with another product's name, names that the shop doesn't have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from blogs.article.quality.data import ERROR, WARNING, Finding
from blogs.article.quality.subject import Part, Subject
from blogs.article.quality.text import names
from blogs.article.quality.text.words import akin, folded, is_unspaced, words
from blogs.article.schema import ArticleContent, Block, ListBlock, Paragraph, Quote, Run
from wix.writing_systems import UNSPACED

# Japanese puts its particles right behind a name in Latin letters.
_TOKEN = re.compile(rf"[^\W_{UNSPACED}]+(?:['’-][^\W_{UNSPACED}]+)*|[{UNSPACED}]+")
# What firms put behind a name to make another product of it.
_VARIANT = re.compile(
    r"\b(?:Deluxe|Pro|Plus|Mini|Maxi|Max|Premium|XXL|XL|Lite|Ultra|Edition|Classic|Junior|Grande|Nova|II|III)\b"
)
# All nouns begin with a capital.
_CAPITAL_NOUNS = {"de", "lb"}


def check(subject: Subject) -> Iterator[Finding]:
    yield from _sold_out(subject)
    yield from _other_links(subject)
    yield from _unknown_names(subject)


def unknown_links(article: ArticleContent, subject: Subject) -> Iterator[Finding]:
    """Name links to products that the shop doesn't have, whose words are a name. Other words lose their link and stay."""
    known = {known.casefold() for known in subject.by_id}
    for block in article.blocks:
        for run in _runs(block):
            if not run.product_id or run.product_id.strip().casefold() in known or subject.named_in(run.text):
                continue
            tokens = _TOKEN.findall(run.text)
            if tokens and all(not token[:1].islower() for token in tokens):
                yield Finding("product that the shop doesn't have", ERROR, "body", run.text)


def _runs(block: Block) -> list[Run]:
    match block:
        case Paragraph() | Quote():
            return block.runs
        case ListBlock():
            return [run for item in block.items for run in item.runs]
        case _:
            return []


def _sold_out(subject: Subject) -> Iterator[Finding]:
    sold_out = [p for p in subject.products if not p.get("in_stock", True) and not subject.is_subject(p)]
    if not sold_out:
        return
    ids = {product["id"]: product for product in sold_out}
    for part in subject.parts:
        shown = [part.product_id, *(link.product_id for link in part.links)]
        if found := next((ids[known] for known in shown if known in ids), None):
            yield part.finding("recommends what is sold out", ERROR, found["name"])
            continue
        for product in sold_out:
            if names.is_named(product["name"], part.text):
                yield from _named_sold_out(subject, part, product)


def _named_sold_out(subject: Subject, part: Part, product: dict[str, Any]) -> Iterator[Finding]:
    """A sold out product may be named, where it is said that it is sold out. A name of one common word may mean any such thing."""
    for sentence in (s for p, s in subject.sentences if p is part and names.is_named(product["name"], s)):
        if names_of_others(subject, product, sentence) or subject.lexicon["sold_out"].found(sentence):
            continue
        is_proper = product["name"] in sentence and (len(words(product["name"])) > 1 or not product["name"].isalnum())
        level = ERROR if is_proper and not is_unspaced(product["name"].strip("「」")) else WARNING
        yield part.finding("recommends what is sold out", level, sentence)


def names_of_others(subject: Subject, product: dict[str, Any], sentence: str) -> bool:
    """Whether the words that name the product are part of a longer name that is meant."""
    return product not in subject.named_in(sentence)


def _other_links(subject: Subject) -> Iterator[Finding]:
    for part in subject.body:
        for link in part.links:
            meant = subject.named_in(link.words)
            if meant and link.product_id not in {product["id"] for product in meant}:
                yield part.finding("link to another product than it names", ERROR, link.words)


def _unknown_names(subject: Subject) -> Iterator[Finding]:
    known = {product["name"]: _TOKEN.findall(product["name"]) for product in subject.products}
    for part, sentence in subject.sentences:
        if part.kind in ("title", "meta_title", "heading", "tag", "button"):
            continue
        tokens = list(_TOKEN.finditer(sentence))
        begun = [tokens_of for name, tokens_of in known.items() if names.begins_in(name, sentence)]
        yield from _almost_names(subject, part, sentence, tokens, begun)
        if subject.language not in _CAPITAL_NOUNS:
            yield from _invented_names(subject, part, sentence)


def _almost_names(
    subject: Subject, part: Part, sentence: str, tokens: list[re.Match[str]], known: list[list[str]]
) -> Iterator[Finding]:
    """Name runs of capitalised words that have a word of a product's name, in its place, and another word besides."""
    for name in known:
        size = len(name)
        if size < 2 or not all(word[:1].isupper() for word in (name[0], name[-1])):
            continue
        for at in range(len(tokens) - size + 1):
            window = [token[0] for token in tokens[at : at + size]]
            if not _is_almost(name, window, sentence[tokens[at].start() : tokens[at + size - 1].end()]):
                continue
            written = sentence[tokens[at].start() : tokens[at + size - 1].end()]
            if not _is_known(subject, written):
                yield part.finding("name that is almost a product's", ERROR, written)


def _is_almost(name: Sequence[str], window: Sequence[str], written: str) -> bool:
    if not all(word[:1].isupper() or not other[:1].isupper() for word, other in zip(window, name, strict=True)):
        return False
    if re.search(r"[.,:;!?()]", written):
        return False
    same = [akin(folded(one), folded(other)) for one, other in zip(name, window, strict=True)]
    return same[0] and not all(same) and not window[-1].isdecimal() and window[-1][:1].isupper()


def _is_known(subject: Subject, written: str) -> bool:
    if folded(written) in subject.known or subject.named_in(written):
        return True
    return all(map(subject.is_known_word, words(written)))


_PROPER = re.compile(r"(?<=[^\W\d_] |, )((?:[^\W\d_a-z][^\W_]+)(?:[ -](?:[^\W\d_a-z][^\W_]*|\d{1,4}))+)")


def _invented_names(subject: Subject, part: Part, sentence: str) -> Iterator[Finding]:
    """Name runs of capitalised words that no text of the shop has, where the sentence offers them as the shop's own."""
    for found in _PROPER.finditer(sentence):
        written = found[0]
        if not all(word[:1].isupper() or word.isdecimal() for word in _TOKEN.findall(written)) or _is_known(
            subject, written
        ):
            continue
        ours = subject.lexicon["ours"].found(sentence) or _VARIANT.search(written)
        if ours:
            yield part.finding("product that the shop doesn't have", ERROR, written)
