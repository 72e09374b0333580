"""What the stand-in writers share: the blocks of an article, text cut at words, and a title unlike the earlier ones."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from blogs.article.schema import Heading, Paragraph, Run

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


def run(text: str, *, bold: bool = False, italic: bool = False, product_id: str | None = None) -> Run:
    return Run(text=text, bold=bold, italic=italic, product_id=product_id)


def paragraph(*runs: Run) -> Paragraph:
    return Paragraph(type="paragraph", runs=[run for run in runs if run.text])


def heading(text: str) -> Heading:
    return Heading(type="heading", level=2, text=text)


def around(text: str, name: str, product_id: str) -> Paragraph:
    """A paragraph in whose text {product} is that name, as a link."""
    before, _, after = text.partition("{product}")
    return paragraph(run(before), run(name, product_id=product_id), run(after))


def one_line(text: str) -> str:
    return " ".join(text.split())


def cut(text: str, limit: int) -> str:
    """At a word; a text without spaces at a character."""
    if len(text) <= limit:
        return text
    shorter = text[: limit + 1].rpartition(" ")[0] or text[:limit]
    return shorter.rstrip(" ,;:-–|")


def ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "。")) else f"{sentence.rstrip(' ,;:')}."


def sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(one_line(text)) if sentence]


def fresh(titles: Sequence[str], earlier: Iterable[str], dice: random.Random) -> str:
    """Draw a title; where the shop has earlier ones, that which is least like any of them."""
    drawn = dice.sample(titles, k=len(titles))
    told = [_trigrams(title) for title in earlier]
    return min(drawn, key=lambda title: _most_alike(_trigrams(title), told)) if told else drawn[0]


def _most_alike(title: set[str], told: Iterable[set[str]]) -> float:
    return max(_alike(title, other) for other in told)


def _alike(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _trigrams(title: str) -> set[str]:
    spaced = "  ".join(["", *re.findall(r"\w+", title.lower()), ""])
    return {spaced[at : at + 3] for at in range(len(spaced) - 2)}


def description(text: str) -> str:
    """Between 70 and 160 characters, whatever the topic's length."""
    text = cut(text, 160)
    return text if len(text) >= 70 else cut(f"{text} A plain guide: choosing, checking, using and caring.", 160)


def slug(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", " ", text.lower())
    return cut(words.strip(), 80).replace(" ", "-")
