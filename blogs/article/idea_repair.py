"""One repair of ideas: which of their parts failed, what is asked of the writer for them, and the ideas with their new parts.

A part is the title, the outline's sections, or the text for the picture. The angle and the readers stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blogs.article.quality import Finding
from blogs.article.schema import Idea, Section, Strict, Text, parsed

TITLE, SECTIONS, ALT_TEXT = "title", "sections", "image_alt_text"
PARTS = (TITLE, SECTIONS, ALT_TEXT)
# By the places that the gate names.
_PLACES = {
    "outline": SECTIONS,
    "outline, headings": SECTIONS,
    "outline, title": TITLE,
    "outline, alternative text": ALT_TEXT,
    "alternative text": ALT_TEXT,
}


class NewParts(Strict):
    """The parts of one idea as the writer has written them again. Null: that part was not asked for."""

    number: int
    title: Text | None
    sections: list[Section] | None
    image_alt_text: Text | None


class IdeaRepair(Strict):
    plans: list[NewParts]


@dataclass(frozen=True, slots=True)
class Failing:
    """An idea under a number, and its parts that failed, each with the reasons."""

    number: int
    idea: Idea
    parts: dict[str, list[str]]


def failing(number: int, idea: Idea, errors: Iterable[Finding], warnings: Iterable[Finding]) -> Failing:
    """Sort what was found by the parts that it stands in. The text for the picture is so cheap that a warning is reason enough."""
    parts: dict[str, list[str]] = {}
    for found in (*errors, *(found for found in warnings if _PLACES.get(found.place) == ALT_TEXT)):
        parts.setdefault(_PLACES.get(found.place, SECTIONS), []).append(str(found))
    return Failing(number, idea, parts)


def described(failed: Failing) -> dict[str, Any]:
    """Return what the writer is told of one: the whole idea for the context, and which parts are refused for what."""
    told = failed.idea.model_dump(exclude={"audience"} if ALT_TEXT in failed.parts else {"audience", "image_prompt"})
    return {"plan": told, "refused": failed.parts}


def repair_in(text: str) -> IdeaRepair:
    """Read the writer's answer. Raises InvalidArticle."""
    return parsed(IdeaRepair, text)


def repaired(failed: Failing, answer: IdeaRepair) -> Idea:
    """Return the idea with those of its failing parts that the writer has written again. All else stays as it is."""
    new = next((each for each in answer.plans if each.number == failed.number), None)
    written = {name: getattr(new, name) for name in PARTS if new and name in failed.parts}
    return failed.idea.model_copy(update={name: value for name, value in written.items() if value and _is_whole(value)})


def _is_whole(value: str | list[Section]) -> bool:
    return bool(value.strip()) if isinstance(value, str) else all(section.heading.strip() for section in value)
