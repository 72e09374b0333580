"""An article as the checks look at it: its parts in order, its sections, and what the shop has said itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from blogs.article.quality.data import QUOTE_MAX, Finding, Products, Profile, Request
from blogs.article.quality.text import lexicon, names
from blogs.article.quality.text.language import code
from blogs.article.quality.text.lexicon import Lexicon
from blogs.article.quality.text.words import BEGINNING, akin, folded, sentences, words
from blogs.article.schema import (
    ArticleContent,
    Block,
    Button,
    Heading,
    Idea,
    Image,
    ListBlock,
    Paragraph,
    ProductBlock,
    Quote,
    Run,
    Table,
    joined,
)
from wix.writing_systems import shortened


@dataclass(frozen=True, slots=True)
class Link:
    words: str
    product_id: str


@dataclass(frozen=True, slots=True)
class Part:
    """A text that stands by itself: the title, a paragraph, a cell. Only paragraphs and quotes must end as sentences do."""

    kind: str
    place: str
    text: str
    section: int = 0
    product_id: str = ""
    """The product that is shown with it."""
    links: tuple[Link, ...] = ()

    def finding(self, check: str, level: str, quote: str = "", done: str = "") -> Finding:
        return Finding(check, level, self.place, shortened(quote or self.text, QUOTE_MAX), done)


@dataclass(frozen=True)
class Subject:
    """All that the checks may know."""

    article: ArticleContent
    idea: Idea
    request: Request
    products: Products
    profile: Profile
    earlier_titles: Sequence[str] = ()

    @cached_property
    def language(self) -> str:
        return code(self.request.language)

    @cached_property
    def lexicon(self) -> Lexicon:
        return lexicon.of(self.language)

    @cached_property
    def parts(self) -> list[Part]:
        return [*_head(self.article), *self.body]

    @cached_property
    def body(self) -> list[Part]:
        disclosure = folded(self.profile.disclosure.strip())
        return [part for part in body_of(self.article.blocks) if not disclosure or folded(part.text) != disclosure]

    @cached_property
    def sentences(self) -> list[tuple[Part, str]]:
        return [(part, sentence) for part in self.parts for sentence in sentences(part.text)]

    @cached_property
    def known(self) -> str:
        """The shop's own texts, folded. Orders to the writer in them are not among them: to obey one is an error."""
        said = [sentence for product in self.products for sentence in sentences(facts(product))]
        kept = [sentence for sentence in said if not lexicon.is_order(sentence, self.language)]
        return folded("\n".join([*self.said_in_the_request, *kept]))

    @cached_property
    def said_in_the_request(self) -> list[str]:
        asked, profile = self.request, self.profile
        said = [asked.topic, asked.wishes, asked.site_name, asked.site_url]
        return [*said, profile.brand, profile.about, profile.disclosure]

    @cached_property
    def known_words(self) -> frozenset[str]:
        return frozenset(words(self.known))

    def is_known_word(self, word: str) -> bool:
        """Whether the shop's own texts have the word, in any form."""
        return any(akin(word, known) for known in self._known_words_by_beginning.get(word[:BEGINNING], ()))

    @cached_property
    def _known_words_by_beginning(self) -> dict[str, list[str]]:
        """The shop's words by their first letters, which forms of one word share: a shop's texts may have ten thousand words."""
        found: dict[str, list[str]] = {}
        for word in self.known_words:
            found.setdefault(word[:BEGINNING], []).append(word)
        return found

    @cached_property
    def by_id(self) -> dict[str, dict[str, Any]]:
        return {product["id"]: product for product in self.products}

    def is_subject(self, product: dict[str, Any]) -> bool:
        """Whether the article was asked to be about it."""
        return product["id"] in self.request.product_ids or names.is_named(product["name"], self.request.topic)

    def named_in(self, text: str) -> list[dict[str, Any]]:
        """Return the products that a text names; of two whose names begin alike, the one with the longer name."""
        found = [product for product in self.products if names.is_named(product["name"], text)]
        return [
            product
            for product in found
            if not any(other is not product and names.is_named(product["name"], other["name"]) for other in found)
        ]


def facts(product: dict[str, Any]) -> str:
    """Return what the shop says of a product, as one text."""
    options = [f"{option['name']}: {', '.join(option['choices'])}." for option in product.get("options", ())]
    return "\n".join([product["name"], product["text"], product.get("brand", ""), product.get("ribbon", ""), *options])


def parts_of(article: ArticleContent) -> Iterator[Part]:
    """Return all parts of an article, those for search results first."""
    yield from _head(article)
    yield from body_of(article.blocks)


def _head(article: ArticleContent) -> Iterator[Part]:
    yield Part("title", "title", article.title)
    yield Part("meta_title", "title for search results", article.meta_title)
    yield Part("meta_description", "description for search results", article.meta_description)
    yield Part("excerpt", "excerpt", article.excerpt)
    yield from (Part("tag", "tags", tag) for tag in article.tags)


def body_of(blocks: Sequence[Block]) -> Iterator[Part]:
    section = 0
    for block in blocks:
        if isinstance(block, Heading) and block.level == 2:
            section += 1
        where = f"section {section}" if section else "introduction"
        match block:
            case Heading():
                yield Part("heading", f"{where}, heading", block.text, section)
            case Paragraph():
                yield Part("paragraph", where, joined(block.runs), section, links=_links(block.runs))
            case Quote():
                yield Part("quote", f"{where}, quotation", joined(block.runs), section, links=_links(block.runs))
            case ListBlock():
                for item in block.items:
                    yield Part("item", f"{where}, list", joined(item.runs), section, links=_links(item.runs))
            case Table():
                yield from (Part("cell", f"{where}, table", cell, section) for cell in block.header if cell)
                for row in block.rows:
                    yield from (Part("cell", f"{where}, table", cell, section) for cell in row.cells if cell)
            case ProductBlock():
                yield Part("pitch", f"{where}, product card", block.pitch, section, block.product_id)
            case Image():
                yield Part("caption", f"{where}, caption", block.caption, section, block.product_id)
            case Button():
                yield Part("button", f"{where}, button", block.text, section, block.product_id)


def _links(runs: Sequence[Run]) -> tuple[Link, ...]:
    return tuple(Link(run.text.strip(), run.product_id) for run in runs if run.product_id)
