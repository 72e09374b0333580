"""One repair of an article: which of its parts failed, what is asked of the writer for them, and the article with its new parts.

A part is the title, one of the texts for search results, the tags, the introduction, a section, or a section of the outline that
the article lacks. Each has a name, by which the writer's answer says what it has written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from blogs.article.quality import Finding
from blogs.article.quality.checks.outline import unmatched
from blogs.article.quality.subject import parts_of
from blogs.article.quality.text.words import folded
from blogs.article.schema import ArticleContent, Block, Heading, Idea, Strict, Text, parsed
from blogs.article.short_form import in_short

MISSING = "section of the outline is missing"
INTRODUCTION = "introduction"
# By the places that the gate names.
_HEAD = {
    "title": "title",
    "title for search results": "meta_title",
    "description for search results": "meta_description",
    "excerpt": "excerpt",
    "tags": "tags",
}
_SECTION = re.compile(r"section (\d+)")
_LENGTH = re.compile(r"far \w+ than was asked for")


class NewSection(Strict):
    part: Text
    blocks: list[Annotated[Block, Field(discriminator="type")]]


class Repair(Strict):
    """The parts as the writer has written them again. Null: that part was not asked for."""

    title: Text | None
    meta_title: Text | None
    meta_description: Text | None
    excerpt: Text | None
    tags: list[Text] | None
    sections: list[NewSection]


@dataclass(frozen=True, slots=True)
class Failing:
    """The parts of an article that failed, each with the reasons. `whole`: most of it did."""

    parts: dict[str, list[str]] = field(default_factory=dict)
    whole: bool = False

    @property
    def sections(self) -> list[str]:
        return [name for name in self.parts if name not in _HEAD.values()]


def repair_in(text: str) -> Repair:
    """Read the writer's answer. Raises InvalidArticle."""
    return parsed(Repair, text)


def failing(errors: Iterable[Finding], article: ArticleContent, idea: Idea) -> Failing:
    """Sort an article's errors by the parts that they stand in."""
    errors = list(errors)
    lacks_sections = any(found.check == MISSING for found in errors)
    parts: dict[str, list[str]] = {}
    for found in errors:
        if lacks_sections and _LENGTH.fullmatch(found.check):
            continue  # with its sections it has its length
        name = _part_of(found, article, idea)
        if name is None:
            return Failing(whole=True)
        parts.setdefault(name, []).append(str(found))
    failed = Failing(parts)
    # The introduction counts as one.
    most = len(failed.sections) > (len(idea.sections) + 1) / 2
    return Failing(parts, whole=most)


def _part_of(found: Finding, article: ArticleContent, idea: Idea) -> str | None:
    if found.check == MISSING:
        place = next((n for n, section in enumerate(idea.sections, 1) if section.heading == found.quote), None)
        return f"missing {place}" if place else None
    if name := _HEAD.get(found.place):
        return name
    if found.place.startswith(INTRODUCTION):
        return INTRODUCTION
    if section := _SECTION.match(found.place):
        return section[0]
    return _located(found.quote, article)


def _located(quote: str, article: ArticleContent) -> str | None:
    """Find the part of the body that a quote stands in; of several the last, since what is told twice is told there again."""
    wanted = folded(quote).strip()
    places = [part.place for part in parts_of(article) if wanted and wanted in folded(part.text)]
    place = places[-1] if places else ""
    if place.startswith(INTRODUCTION):
        return INTRODUCTION
    section = _SECTION.match(place)
    return section[0] if section else None


def described(failed: Failing, article: ArticleContent, idea: Idea) -> list[dict[str, Any]]:
    """Return what the writer is asked for: each part by its name, as it is now, and why it can't stay so."""
    return [{"part": name, "reasons": reasons, **_now(name, article, idea)} for name, reasons in failed.parts.items()]


def _now(name: str, article: ArticleContent, idea: Idea) -> dict[str, Any]:
    if name in _HEAD.values():
        return {"now": getattr(article, name)}
    kind, _, number = name.partition(" ")
    if kind == "missing":
        section = idea.sections[int(number) - 1]
        return {"outline": section.model_dump()}
    blocks = _sections(article.blocks)[int(number or 0)]
    return {"now": in_short({"blocks": [block.model_dump() for block in blocks]})["blocks"]}


def repaired(article: ArticleContent, repair: Repair, failed: Failing, idea: Idea) -> ArticleContent:
    """Return the article with those of its failing parts that the writer has written again. All other parts stay as they are."""
    changes: dict[str, Any] = {
        name: value for name in _HEAD.values() if name in failed.parts and (value := getattr(repair, name))
    }
    sections = _sections(article.blocks)
    added: dict[int, list[Block]] = {}
    for new in repair.sections:
        if new.part not in failed.parts or not new.blocks:
            continue
        kind, _, number = new.part.partition(" ")
        if kind == "missing":
            added[int(number)] = _headed(new.blocks, idea.sections[int(number) - 1].heading)
        elif new.part == INTRODUCTION:
            sections[0] = [block for block in new.blocks if not _heads_a_section(block)]
        else:
            first = sections[int(number)][0]
            sections[int(number)] = _headed(new.blocks, first.text if isinstance(first, Heading) else "")
    for place in sorted(added):
        sections.insert(_place_of(place, sections, idea), added[place])
    return article.model_copy(update={**changes, "blocks": [block for section in sections for block in section]})


def _place_of(place: int, sections: Sequence[Sequence[Block]], idea: Idea) -> int:
    """Say where a section of the outline belongs: behind the nearest one before it that the article has."""
    headings = [section[0].text if section and isinstance(section[0], Heading) else "" for section in sections]
    for before in reversed(idea.sections[: place - 1]):
        for number, heading in enumerate(headings):
            if number and not unmatched([before.heading], [heading])[0]:
                return number + 1
    return 1


def _headed(blocks: Sequence[Block], heading: str) -> list[Block]:
    """Return one section: with its heading, and no other of its level."""
    first = blocks[0]
    own = first if _heads_a_section(first) else Heading(type="heading", level=2, text=heading)
    return [own, *(block for block in blocks if not _heads_a_section(block))]


def _heads_a_section(block: Block) -> bool:
    return isinstance(block, Heading) and block.level == 2


def _sections(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks before the first heading, then those of each section."""
    sections: list[list[Block]] = [[]]
    for block in blocks:
        if _heads_a_section(block):
            sections.append([])
        sections[-1].append(block)
    return sections
