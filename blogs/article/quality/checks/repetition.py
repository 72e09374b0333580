"""Checks that nothing is told twice: paragraphs word for word, and sections in nearly the same words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Part, Subject
from blogs.article.quality.text.words import folded, shingles

_SIZE = 3
# Sections of one subject share some runs of three words; one told twice shares a third, in whatever order.
_SHARED_MAX = 0.3
_SHINGLES_MIN = 15
_SAME_LENGTH_MIN = 30


def check(subject: Subject) -> Iterator[Finding]:
    paragraphs = [part for part in subject.body if part.kind in ("paragraph", "item", "quote")]
    yield from _verbatim(paragraphs)
    # To name a product's facts twice is no repetition.
    facts = shingles(subject.known, _SIZE)
    yield from _in_other_words([part for part in paragraphs if part.kind == "paragraph"], facts)


def _verbatim(parts: list[Part]) -> Iterator[Finding]:
    told: set[str] = set()
    for part in parts:
        text = folded(part.text).strip()
        if len(text) >= _SAME_LENGTH_MIN and text in told:
            yield part.finding("told twice", ERROR)
        told.add(text)


def _in_other_words(paragraphs: list[Part], facts: set[str]) -> Iterator[Finding]:
    told: dict[str, set[str]] = {}
    of_sections: dict[int, set[str]] = {}
    for part in paragraphs:
        if (text := folded(part.text)) not in told:
            told[text] = shingles(part.text, _SIZE) - facts
            of_sections.setdefault(part.section, set()).update(told[text])
    places = {part.section: part for part in reversed(paragraphs)}
    for (first, one), (second, other) in combinations(sorted(of_sections.items()), 2):
        if _share(one, other) > _SHARED_MAX:
            yield places[second].finding(f"repeats section {first}", ERROR)
    # Shorter ones share nothing by definition, and thousands of them would be compared with each other.
    long = [(text, said) for text, said in told.items() if len(said) >= _SHINGLES_MIN]
    for (text, one), (_, other) in combinations(long, 2):
        if _share(one, other) > 2 * _SHARED_MAX:
            yield Finding("told twice", ERROR, "body", text[:80])


def _share(one: set[str], other: set[str]) -> float:
    least = min(len(one), len(other))
    return len(one & other) / least if least >= _SHINGLES_MIN else 0.0
