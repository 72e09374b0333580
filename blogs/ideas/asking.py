"""One call to the writer for several ideas. Each is read by itself: one that is bad or missing spoils no other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from blogs.article import prompts
from blogs.article.quality.mends.shape import idea_in
from blogs.article.schema import Idea, InvalidArticle, Plans, json_schema
from blogs.providers import openai
from blogs.providers.token_reserve import Kind, output_max
from workers.texts import parsed_json


def ask(
    common: Mapping[str, Any], blogs: Sequence[Mapping[str, Any]], *, length: str, language: str, seconds: float
) -> dict[int, Idea]:
    """Return the ideas that came, by the `number` of what was asked for in `blogs`. `common` is the data that all share.

    Reserves for each what a single idea takes. Raises as `openai.complete` does.
    """
    kind = Kind.of("idea", length, language)
    text = openai.complete(
        prompts.ideas({**common, "language": language, "blogs": list(blogs)}),
        kind=kind,
        schema_name="blog_ideas",
        schema=json_schema(Plans),
        max_tokens=len(blogs) * output_max(kind, settings.OPENAI_IDEA_MAX_TOKENS, 1),
        seconds=seconds,
    )
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


def _plans(text: str) -> list[Any]:
    try:
        answer = parsed_json(text)
    except (ValueError, RecursionError):
        return []
    plans = answer.get("plans") if isinstance(answer, dict) else answer
    return plans if isinstance(plans, list) else []
