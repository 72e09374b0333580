"""Writes ideas and articles from the request alone: no model, but prose one can read, and never twice the same.

Everything is drawn with dice seeded by the request, so that a repeated request gets the same text.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from blogs.article.quality.text.language import foreign
from blogs.article.quality.text.lexicon import is_order
from blogs.article.schema import (
    ArticleContent,
    Block,
    Button,
    Divider,
    Idea,
    Image,
    ListBlock,
    ListItem,
    NumberedIdea,
    Plans,
    ProductBlock,
    Quote,
    Section,
    Table,
    TableRow,
)
from tests.sandbox import phrases
from tests.sandbox.phrases import Subject
from tests.sandbox.prose import cut, description, ended, fresh, heading, one_line, paragraph, run, sentences, slug
from tests.sandbox.voices import voice

_DATA = re.compile(r"<data>\s*(\{.*\})\s*</data>", re.DOTALL)
_UNUSABLE = re.compile(r"https?:|www\.|@|[$€£¥]|\d+[.,]\d\d|<", re.IGNORECASE)
_INSTRUCTION = re.compile(r"^(?:please\s+)?(?:write|create|make|tell)\b.*?\b(?:about|on)\s+", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']+)'")
_TOPIC_WORDS, _LONG_TITLE_WORDS = 7, 8


class NoOrder(ValueError):
    """The prompt doesn't hold what an article can be written from."""


@dataclass(frozen=True)
class Product:
    id: str
    name: str
    facts: tuple[str, ...]
    photo: bool = False
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def read(cls, document: dict[str, Any]) -> Product:
        name = one_line(str(document["name"]))
        said = sentences(str(document.get("text") or ""))
        facts = [ended(cut(sentence, 160)) for sentence in said if not _UNUSABLE.search(sentence)]
        options = tuple((option, tuple(choices)) for option, choices in (document.get("options") or {}).items())
        return cls(str(document["id"]), name, tuple(facts[:4]), bool(document.get("photo")), options)

    def facts_in(self, language: str) -> list[str]:
        """A shop's text may be in another language than its article, and may give orders to the writer."""
        return [fact for fact in self.facts if foreign(fact, language) is None and not is_order(fact, language)]

    def choices(self) -> list[str]:
        return [f"{option}: {', '.join(choices)}." for option, choices in self.options]


@dataclass(frozen=True)
class Order:
    """What the product asks for, as it stands between <data> and </data>."""

    topic: str
    language: str
    sections: int
    shop: str
    products: tuple[Product, ...]
    idea: Idea | None
    seed: str
    earlier: tuple[str, ...] = ()
    told: dict[str, Any] = field(default_factory=dict, compare=False)
    """All that the data block says."""

    number: int = 0

    @classmethod
    def from_prompt(cls, prompt: str) -> Order:
        return cls._read(_data(prompt))

    @classmethod
    def several(cls, prompt: str) -> list[Order]:
        """Read a prompt that asks for the ideas of several blogs. What they share stands once in it."""
        data = _data(prompt)
        try:
            sold = {product["id"]: product for product in data.get("products") or []}
            return [
                cls._read({**data, **blog, "products": [sold[each] for each in blog.get("products") or []]})
                for blog in data["blogs"]
            ]
        except (KeyError, TypeError) as error:
            raise NoOrder(repr(error)) from error

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Order:
        try:
            source = data["source"]
            sold = [product for product in data.get("products") or [] if product.get("in_stock", True)]
            products = tuple(map(Product.read, sold))
            idea = _plan(data["idea"]) if data.get("idea") else None
            return cls(
                topic=_topic(str(source["type"]), str(source["text"]), products),
                language=data["language"],
                sections=int(data.get("sections") or (len(idea.sections) if idea else 5)),
                shop=one_line((data.get("site") or {}).get("name") or "") or "our shop",
                products=products,
                idea=idea,
                seed=json.dumps([source, data.get("site"), [product.id for product in products]], sort_keys=True),
                # What an idea was refused for may be a title that the shop has.
                earlier=(*(data.get("earlier") or ()), *_QUOTED.findall(str(data.get("refused") or ""))),
                told=data,
                number=int(data.get("number") or 0),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NoOrder(repr(error)) from error

    def dice(self, purpose: str) -> random.Random:
        return random.Random(hashlib.sha256(f"{purpose}\n{self.seed}".encode()).digest())

    def fill(self, text: str) -> str:
        return text.replace("{topic}", self.topic).replace("{Topic}", self.headline).replace("{shop}", self.shop)

    @cached_property
    def headline(self) -> str:
        return self.topic[:1].upper() + self.topic[1:]

    @cached_property
    def by_id(self) -> dict[str, Product]:
        return {product.id: product for product in self.products}


def _data(prompt: str) -> dict[str, Any]:
    found = _DATA.search(prompt)
    if found is None:
        raise NoOrder("no <data> block")
    try:
        data = json.loads(found.group(1))
    except ValueError as error:
        raise NoOrder(repr(error)) from error
    if not isinstance(data, dict):
        raise NoOrder("the data is no object")
    return data


def plans(orders: Sequence[Order]) -> Plans:
    """Write an idea for each blog of a batch, each with the titles before it as earlier ones."""
    written: list[NumberedIdea] = []
    for order in orders:
        told = replace(order, earlier=(*order.earlier, *(plan.title for plan in written)))
        written.append(NumberedIdea(**idea(told).model_dump(), number=order.number))
    return Plans(plans=written)


def idea(order: Order) -> Idea:
    if spoken := voice(order.language):
        return spoken.idea(order)
    dice = order.dice("idea")
    frame = phrases.frame()
    titles = frame.titles_beside(order.earlier, order.dice(f"titles after {len(order.earlier)}"))
    known = list(phrases.subjects().values())
    subjects = [known[place] for place in sorted(dice.sample(range(len(known)), k=min(order.sections, len(known))))]
    # One product a section at most, and none in the first: readers come for the answer.
    places = list(range(1, len(subjects))) or [0]
    shown = {place: product.id for place, product in zip(places, order.products, strict=False)}
    sections = [
        Section(
            heading=cut(order.fill(dice.choice(subject.headings)), 90),
            purpose=subject.purpose,
            product_ids=[shown[place]] if place in shown else [],
        )
        for place, subject in enumerate(subjects)
    ]
    return Idea(
        title=cut(fresh([order.fill(title) for title in titles], order.earlier, dice), 100),
        angle=order.fill(dice.choice(frame.angles)),
        audience=dice.choice(frame.audiences),
        sections=sections,
        image_prompt=order.fill(dice.choice(frame.pictures)),
        image_alt_text=cut(order.fill(dice.choice(frame.alt_texts)), 125),
    )


def article(order: Order) -> ArticleContent:
    plan = order.idea or idea(order)
    if spoken := voice(order.language):
        return spoken.article(order, plan)
    title = cut(plan.title, 100)
    dice, frame = order.dice("article"), phrases.frame()
    return ArticleContent(
        language=order.language,
        title=title,
        meta_title=cut(title if len(title) > 40 else f"{title} | {order.shop}", 70),
        meta_description=description(order.fill(dice.choice(frame.descriptions))),
        slug=slug(title) or f"post-{hashlib.sha256(title.encode()).hexdigest()[:8]}",
        excerpt=cut(order.fill(dice.choice(frame.excerpts)), 200),
        tags=_tags(order),
        blocks=list(_Body(order, plan).blocks()),
    )


def spoiled_article(order: Order) -> ArticleContent:
    """Fits the schema and nothing else: a product that doesn't exist, and a list of nothing."""
    blocks: list[Block] = [
        ProductBlock(type="product", product_id="no-such-product", pitch="A fine thing."),
        ListBlock(type="list", ordered=False, items=[]),
    ]
    return article(order).model_copy(update={"blocks": blocks})


class _Body:
    def __init__(self, order: Order, plan: Idea) -> None:
        self.order, self.plan = order, plan
        self.dice = order.dice("body")
        self.frame = phrases.frame()
        self.bullets_at = self.dice.randrange(len(plan.sections)) if plan.sections else 0
        # A short article has 1,800 tokens, and product texts may be long: then it leaves out what can be spared.
        self.is_short = len(plan.sections) <= 3
        self.quote_at = (self.bullets_at + 1) % max(1, len(plan.sections))

    def blocks(self) -> list[Block]:
        blocks = self._intro()
        told: set[str] = set()
        for place, section in enumerate(self.plan.sections):
            subject = phrases.subject_of(section.heading, section.purpose, told)
            told.add(subject.name)
            blocks += self._section(place, section, subject)
        if len(self.order.products) >= 2:
            blocks += self._comparison()
        return blocks + self._conclusion()

    def _intro(self) -> list[Block]:
        opening = self._pick(self.frame.intros)
        before, topic, after = opening.partition(self.order.topic)
        # A long title promises more than its topic.
        promised = f" In short: {self.plan.title}." if len(self.plan.title.split()) > _LONG_TITLE_WORDS else ""
        runs = [run(before), run(topic, bold=True), run(f"{after}{promised}")]
        intro = paragraph(*[part for part in runs if part.text])
        return [intro] if self.is_short else [intro, paragraph(run(self._pick(self.frame.bridges)))]

    def _section(self, place: int, section: Section, subject: Subject) -> list[Block]:
        opening, close = self._pick(subject.openings), self._pick(subject.closes)
        *more, practice = self._several(subject.practices, 1 if self.is_short else 2)
        more = self._several(subject.reasons, 2 if len(self.plan.sections) > 5 else 1) + more
        blocks: list[Block] = [heading(section.heading), *(paragraph(run(text)) for text in (opening, *more))]
        if place == self.bullets_at:
            points = [ListItem(runs=[run(self.order.fill(point))]) for point in subject.points]
            blocks.append(ListBlock(type="list", ordered=subject.name in ("checklist", "start"), items=points))
        blocks.append(paragraph(run(practice), run(f" {close}", italic=self.dice.random() < 0.25)))
        for product_id in section.product_ids:
            if product := self.order.by_id.get(product_id):
                blocks += self._product(product)
        if place == self.quote_at and (said := self._facts()):
            # Only words that stand in the data are quoted: a fact of the last product.
            blocks.append(Quote(type="quote", runs=[run(said[-1][0], italic=True)]))
        return blocks

    def _product(self, product: Product) -> list[Block]:
        said = product.facts_in(self.order.language)
        facts = [*self.dice.sample(said, k=len(said)), *product.choices()]
        told = "" if self.is_short or len(facts) < 2 else f" {facts.pop()}"
        lead = run(f"{self._pick(self.frame.mentions)} ")
        mention = paragraph(lead, run(product.name, product_id=product.id), run(f".{told}"))
        pitch = " ".join([*facts[: 1 if self.is_short else 2], self._pick(self.frame.pitches)])
        return [mention, ProductBlock(type="product", product_id=product.id, pitch=pitch)]

    def _facts(self) -> list[list[str]]:
        """Of each product that has any, in the article's language."""
        found = (product.facts_in(self.order.language) for product in self.order.products)
        return [facts for facts in found if facts]

    def _comparison(self) -> list[Block]:
        products = self.order.products[: 2 if self.is_short else 3]
        rows = [
            TableRow(
                cells=[
                    product.name,
                    *[cut(fact, 90) for fact in (*product.facts_in(self.order.language), *product.choices(), "")[:1]],
                ]
            )
            for product in products
        ]
        table = Table(type="table", header=["Product", "In short"], rows=rows)
        first = products[0]
        photo = [Image(type="image", product_id=first.id, caption=f"{first.name}, as it comes.")] if first.photo else []
        return [heading("At a glance"), *photo, paragraph(run(self._pick(self.frame.comparisons))), table]

    def _conclusion(self) -> list[Block]:
        named = [product for product in self.order.products if product.photo][:1]
        return [
            Divider(type="divider"),
            heading(self._pick(self.frame.conclusion_headings)),
            paragraph(run(self._pick(self.frame.conclusions))),
            *(Button(type="button", product_id=product.id, text="See it in the shop") for product in named),
        ]

    def _several(self, variants: tuple[str, ...], count: int) -> list[str]:
        return [self.order.fill(text) for text in self.dice.sample(variants, k=count)]

    def _pick(self, variants: tuple[str, ...]) -> str:
        return self.order.fill(self.dice.choice(variants))


def _plan(told: dict[str, Any]) -> Idea:
    """The outline as the article's prompt tells it, without the picture."""
    return Idea.model_validate({"image_prompt": "", "image_alt_text": "", **told})


def _topic(kind: str, text: str, products: tuple[Product, ...]) -> str:
    text = one_line(text)
    if kind == "product":
        text = next((product.name for product in products if text in (product.id, product.name)), text)
    words = _INSTRUCTION.sub("", text).rstrip(".!?").split()
    return cut(" ".join(words[:_TOPIC_WORDS]), 60) or "good things"


def _tags(order: Order) -> list[str]:
    words = [word.lower() for word in re.findall(r"\w{4,}", order.topic)]
    names = [product.name.lower() for product in order.products[:2]]
    candidates = [order.topic.lower(), *words, *names, "guide"]
    return list(dict.fromkeys(cut(tag, 50) for tag in candidates))[:8]
