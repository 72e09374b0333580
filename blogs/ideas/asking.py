"""One call to the writer for several ideas. Each is read by itself: one that is bad or missing spoils no other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from blogs.article import prompts
from blogs.article.cut import whole_parts
from blogs.article.quality.mends.shape import idea_in
from blogs.article.schema import Idea, InvalidArticle, Plans, json_schema
from blogs.providers import openai
from blogs.providers.openai_answers import Truncated
from blogs.providers.token_reserve import Kind, output_max
from workers.texts import parsed_json

# The room for each of several ideas, of the room for a single one: some are longer than most, and others shorter.
_SHARE_OF_ONE = 0.75
_LIST = re.compile(r'"plans"\s*:\s*\[')


def ask(
    common: Mapping[str, Any], blogs: Sequence[Mapping[str, Any]], *, length: str, language: str, seconds: float
) -> dict[int, Idea]:
    """Return the ideas that came, by the `number` of what was asked for in `blogs`. `common` is the data that all share.

    Of an answer that was cut, the ideas that are whole came. Raises as `openai.complete` does, but for that.
    """
    kind = Kind.of("ideas", length, language)
    each = int(settings.OPENAI_IDEA_MAX_TOKENS * _SHARE_OF_ONE)
    try:
        text = openai.complete(
            prompts.ideas({**common, "language": language, "blogs": list(blogs)}),
            kind=kind,
            schema_name="blog_ideas",
            schema=json_schema(Plans),
            max_tokens=len(blogs) * output_max(kind, each, 1),
            seconds=seconds,
        )
    except Truncated as truncated:
        if not (plans := _whole_plans(truncated.text)):
            raise
        text = json.dumps({"plans": plans})
    return _read(text, {int(blog["number"]): str(blog["source"]["text"]) for blog in blogs})


def _read(text: str, topics: Mapping[int, str]) -> dict[int, Idea]:
    found: dict[int, Idea] = {}
    for plan in _plans(text):
        number = plan.pop("number", None) if isinstance(plan, dict) else None
        number = int(number) if isinstance(number, str) and number.isascii() and number.isdigit() else number
        if isinstance(number, bool) or not isinstance(number, int) or number in found or number not in topics:
            continue
        try:
            found[number] = idea_in(json.dumps(plan), topic=topics[number])
        except InvalidArticle:
            continue
    return found


def _whole_plans(text: str) -> list[Any]:
    """Return the plans of an answer that was cut, up to the one in which it was."""
    found = _LIST.search(text)
    return whole_parts(text, found.end()) if found else []


def _plans(text: str) -> list[Any]:
    try:
        answer = parsed_json(text)
    except (ValueError, RecursionError):
        return []
    plans = answer.get("plans") if isinstance(answer, dict) else answer
    return plans if isinstance(plans, list) else []
