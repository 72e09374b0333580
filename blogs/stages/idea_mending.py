"""What follows ideas that the gate refuses in parts: those parts are written once more, for all that failed in one call.

Where the repair can't be had, each idea is what it was: one with an error can't be used, one with a warning can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from blogs.article import idea_repair, prompts
from blogs.article.idea_repair import SECTIONS, Failing, IdeaRepair
from blogs.article.quality import Finding
from blogs.article.quality.reporting import REPAIRED
from blogs.article.schema import Idea, InvalidArticle, json_schema
from blogs.models import Stage
from blogs.providers import openai
from blogs.providers.token_reserve import Kind
from blogs.stages import idea
from blogs.stages.inputs import Inputs
from workers.context.deadline import DeadlineExceeded
from workers.context.on_behalf import shared_by
from workers.errors import WorkError

Outcome = tuple[Idea, list[Finding]] | InvalidArticle
"""An idea with what was found in it, or why it can't be used."""

# For how long a repair waits for the limit: of an idea that can't be used, and of one that can or that others wait for.
_PATIENCE_SECONDS, AT_ONCE_SECONDS = 30.0, 3.0
# The output maximum for a part that is a line, with the JSON around it, and for an idea that has one.
_A_LINE_TOKENS, _A_PLAN_TOKENS = 120, 60


def is_fine(inputs: Inputs, found: Idea) -> bool:
    """Say whether nothing of an idea is to be written again."""
    return not _judged(inputs, found).failing(1).parts


def mended(
    found: Sequence[tuple[Inputs, Idea]], *, seconds: float, patience: float = _PATIENCE_SECONDS
) -> list[Outcome]:
    """Ask the gate about ideas of one site, have what failed of them written again, and ask it again about those.

    The repair waits for its place in OpenAI's limit for `patience` seconds at most: the ideas are paid for, and their blogs wait.
    """
    first = [_judged(inputs, each) for inputs, each in found]
    failed = {number: each for number, each in enumerate(first, 1) if each.failing(number).parts}
    if not failed:
        return [each.outcome() for each in first]
    if not any(each.errors for each in failed.values()):
        patience = min(patience, AT_ONCE_SECONDS)
    asked = [(found[number - 1][0], each.failing(number)) for number, each in failed.items()]
    answer = _asked(asked, seconds=seconds, patience=patience)
    if answer is None:
        return [each.outcome() for each in first]
    return [_second(found[number - 1][0], each, number, answer) for number, each in enumerate(first, 1)]


class _Judged:
    """An idea and what the gate says of it."""

    def __init__(self, found: Idea, errors: list[Finding], warnings: list[Finding]) -> None:
        self.idea, self.errors, self.warnings = found, errors, warnings

    def failing(self, number: int) -> Failing:
        return idea_repair.failing(number, self.idea, self.errors, self.warnings)

    def outcome(self) -> Outcome:
        if self.errors:
            return InvalidArticle([str(error) for error in self.errors])
        return self.idea, self.warnings


def _judged(inputs: Inputs, found: Idea) -> _Judged:
    return _Judged(*idea.looked_at(found, inputs))


def _second(inputs: Inputs, first: _Judged, number: int, answer: IdeaRepair) -> Outcome:
    """Judge the repaired idea; return the better of the two, with what was repaired."""
    failed = first.failing(number)
    if not failed.parts:
        return first.outcome()
    second = _judged(inputs, idea_repair.repaired(failed, answer))
    if len(second.errors) > len(first.errors):
        return first.outcome()
    if second.errors:
        return second.outcome()
    left = {(found.check, found.quote) for found in second.warnings}
    was = [found for found in (*first.errors, *first.warnings) if (found.check, found.quote) not in left]
    return second.idea, [*second.warnings, *(replace(found, done=REPAIRED) for found in was)]


def _asked(failed: Sequence[tuple[Inputs, Failing]], *, seconds: float, patience: float) -> IdeaRepair | None:
    """Ask for the parts of all of them at once; None where no answer can be had. The shares are those of their blogs.

    A refusal of the limit is no answer either: to put the blog off would have its idea asked for, and paid, once more each time.
    """
    leader = failed[0][0]
    kind = Kind.of("idea_repair", leader.length, leader.language)
    data: dict[str, Any] = {"language": leader.language, "site": {"name": leader.site_name}, "products": []}
    data["blogs"] = [_told(inputs, each) for inputs, each in failed]
    with shared_by([inputs.generation_id for inputs, _ in failed]):
        try:
            text = openai.complete(
                prompts.idea_repair(data),
                kind=kind,
                schema_name="blog_idea_repair",
                schema=json_schema(IdeaRepair),
                max_tokens=sum(map(_room, (each for _, each in failed))),
                seconds=seconds,
                patience=patience,
            )
            return idea_repair.repair_in(text)
        except (InvalidArticle, WorkError, DeadlineExceeded):
            return None


def _told(inputs: Inputs, failed: Failing) -> dict[str, Any]:
    source = {"type": inputs.source_type, "text": inputs.of(Stage.PRODUCTS)["source_text"]}
    asked = {"number": failed.number, "source": source, "sections": prompts.SECTIONS[inputs.length], "products": []}
    return {**asked, **idea_repair.described(failed)}


def _room(failed: Failing) -> int:
    """Return the output maximum: what a whole idea has for its sections, and a line for each other part."""
    lines = _A_LINE_TOKENS * sum(name != SECTIONS for name in failed.parts)
    sections: int = settings.OPENAI_IDEA_MAX_TOKENS if SECTIONS in failed.parts else 0
    return _A_PLAN_TOKENS + lines + sections
