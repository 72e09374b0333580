"""Writes articles in languages other than English, from a stock of prose for each: eight sections, of which some are drawn.

Of the shop it says only what the order has: names, what can be chosen, and sentences of a product's text in the article's language.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blogs.article.schema import (
    ArticleContent,
    Block,
    Button,
    Idea,
    Image,
    ListBlock,
    ListItem,
    ProductBlock,
    Quote,
    Section,
    Table,
    TableRow,
)
from tests.sandbox.prose import around, cut, fresh, heading, paragraph, run

if TYPE_CHECKING:
    from tests.sandbox.writer import Order, Product

_FOLDER = Path(__file__).with_name("voices")
_CODES = {"nb": "no", "nn": "no", "tl": "fil", "deu": "de"}
# An article with more sections has a paragraph to lead to them, and advice at the end.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Told:
    heading: str
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    titles: tuple[str, ...]
    description: str
    excerpt: str
    angle: str
    audience: str
    alt: str
    intro: str
    bridge: str
    advice: tuple[str, ...]
    last: str
    mention: str
    pitch: str
    caption: str
    button: str
    compared: str
    compare: str
    header: tuple[str, ...]
    points: tuple[str, ...]
    sections: tuple[Told, ...]

    @classmethod
    def of(cls, stock: dict[str, Any]) -> Voice:
        sections = tuple(Told(each["heading"], tuple(each["text"])) for each in stock.pop("sections"))
        lists = {name: tuple(value) for name, value in stock.items() if isinstance(value, list)}
        return cls(**stock | lists, sections=sections)

    def idea(self, order: Order) -> Idea:
        dice = order.dice("idea")
        drawn = sorted(dice.sample(range(len(self.sections)), k=min(order.sections, len(self.sections))))
        # One product a section at most, and none in the first.
        shown = dict(zip(range(1, len(drawn)), order.products, strict=False))
        sections = [
            Section(
                heading=self.sections[number].heading,
                purpose=self.sections[number].text[0].partition(".")[0],
                product_ids=[shown[place].id] if place in shown else [],
            )
            for place, number in enumerate(drawn)
        ]
        return Idea(
            title=cut(fresh([order.fill(title) for title in self.titles], order.earlier, dice), 100),
            angle=self.angle,
            audience=self.audience,
            sections=sections,
            image_prompt=f"A quiet still life about {order.topic}, no text, no letters, no logos",
            image_alt_text=self.alt,
        )

    def article(self, order: Order, plan: Idea) -> ArticleContent:
        title = cut(plan.title, 100)
        return ArticleContent(
            language=order.language,
            title=title,
            meta_title=cut(title, 70),
            meta_description=cut(order.fill(self.description), 160),
            slug="",
            excerpt=self.excerpt,
            tags=[cut(order.topic.lower(), 50), *(cut(product.name.lower(), 50) for product in order.products[:2])],
            blocks=list(self._blocks(order, plan)),
        )

    def _blocks(self, order: Order, plan: Idea) -> Iterator[Block]:
        is_long = len(plan.sections) > _FEW
        yield paragraph(run(order.fill(self.intro)))
        if is_long:
            yield paragraph(run(self.bridge))
        left = list(self.sections)
        points_at = order.dice("body").randrange(max(1, len(plan.sections)))
        for place, section in enumerate(plan.sections):
            told = self._told(section.heading, left)
            left.remove(told)
            yield heading(section.heading)
            yield from (paragraph(run(text)) for text in told.text)
            if place == points_at:
                items = [ListItem(runs=[run(point)]) for point in self.points]
                yield ListBlock(type="list", ordered=False, items=items)
            for product in (order.by_id[known] for known in section.product_ids if known in order.by_id):
                yield from self._product(product, order.language)
        if is_long:
            yield from self._side_by_side(order, plan)
            yield from (paragraph(run(text)) for text in self.advice)
        yield paragraph(run(self.last))
        if photographed := [product for product in order.products if product.photo]:
            yield Button(type="button", product_id=photographed[0].id, text=self.button)

    @staticmethod
    def _told(wanted: str, left: list[Told]) -> Told:
        same = [told for told in left if told.heading == wanted]
        return same[0] if same else left[hashlib.sha256(wanted.encode()).digest()[0] % len(left)]

    def _product(self, product: Product, language: str) -> Iterator[Block]:
        yield around(self.mention, product.name, product.id)
        said = [*product.facts_in(language)[:2], *product.choices()]
        gap = "" if language.startswith(("zh", "ja")) else " "
        yield ProductBlock(type="product", product_id=product.id, pitch=gap.join([self.pitch, *said]))

    def _side_by_side(self, order: Order, plan: Idea) -> Iterator[Block]:
        chosen = [product for product in order.products if product.options]
        if len(chosen) >= 2:
            yield heading(self.compared)
            yield paragraph(run(self.compare))
            rows = [TableRow(cells=[each.name, ", ".join(each.choices())]) for each in chosen[:4]]
            yield Table(type="table", header=list(self.header), rows=rows)
        carded = {known for section in plan.sections for known in section.product_ids}
        for product in [each for each in order.products if each.photo and each.id not in carded][:1]:
            yield Image(type="image", product_id=product.id, caption=self.caption.replace("{product}", product.name))
        if said := [fact for product in order.products for fact in product.facts_in(order.language)]:
            yield Quote(type="quote", runs=[run(said[-1], italic=True)])


def languages() -> list[str]:
    """The languages besides English."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def voice(language: str) -> Voice | None:
    """Return the voice of a language; None where the writer has none but English."""
    code = language.split("-")[0].lower()
    known = _CODES.get(code, code)
    return _voice(known) if known in languages() else None


@cache
def _voice(code: str) -> Voice:
    return Voice.of(tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8")))
