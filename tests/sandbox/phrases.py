"""Reads the writer's stock of prose, and finds the subject that a section's heading speaks of."""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("phrases.toml")
# How many more titles are thought of where a shop has earlier ones.
_TWISTED = 40


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the sections."""

    titles: tuple[str, ...]
    twists: tuple[str, ...]
    """What sets a title apart from another on the same topic."""

    angles: tuple[str, ...]
    audiences: tuple[str, ...]
    intros: tuple[str, ...]
    bridges: tuple[str, ...]
    mentions: tuple[str, ...]
    pitches: tuple[str, ...]
    comparisons: tuple[str, ...]
    conclusions: tuple[str, ...]
    conclusion_headings: tuple[str, ...]
    descriptions: tuple[str, ...]
    excerpts: tuple[str, ...]
    pictures: tuple[str, ...]
    alt_texts: tuple[str, ...]

    def titles_beside(self, earlier: Collection[str], dice: random.Random) -> list[str]:
        """List what a title may be; where the shop has earlier ones, also some that the dice make."""
        twisted = (f"{dice.choice(self.titles)} {', '.join(dice.sample(self.twists, k=2))}" for _ in range(_TWISTED))
        return [*self.titles, *(twisted if earlier else ())]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a section can be about; each of the middle four holds variants of one step."""

    name: str
    purpose: str
    headings: tuple[str, ...]
    keywords: tuple[str, ...]
    openings: tuple[str, ...]
    reasons: tuple[str, ...]
    practices: tuple[str, ...]
    closes: tuple[str, ...]
    points: tuple[str, ...]


@cache
def _stock() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text())


@cache
def frame() -> Frame:
    stock = _stock()["frame"]
    return Frame(**{field.name: tuple(stock[field.name]) for field in fields(Frame)})


@cache
def subjects() -> dict[str, Subject]:
    return {
        name: Subject(name, stock["purpose"], *(tuple(stock[field.name]) for field in fields(Subject)[2:]))
        for name, stock in _stock().items()
        if name != "frame"
    }


def subject_of(heading: str, purpose: str, told: Collection[str]) -> Subject:
    """The subject with this very purpose, else one whose keyword the heading names, else any not told yet."""
    left = [subject for subject in subjects().values() if subject.name not in told] or list(subjects().values())
    for subject in left:
        if subject.purpose == purpose:
            return subject
    for subject in left:
        if any(keyword in heading.lower() for keyword in subject.keywords):
            return subject
    return left[hashlib.sha256(heading.encode()).digest()[0] % len(left)]
