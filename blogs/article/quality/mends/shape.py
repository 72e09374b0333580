"""Reads an answer as an article or an outline, in the shape of the schema as far as nothing has to be made up for it.

Servers without strict schemas add fields, leave some out, and have their own idea of a heading's level.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from blogs.article import plain_text as texts
from blogs.article.schema import TITLE_MAX, ArticleContent, Idea, InvalidArticle, parse_article, parse_idea
from blogs.article.short_form import in_full
from wix.writing_systems import shortened
from workers.texts import parsed_json


def article_in(text: str) -> ArticleContent:
    """Read an answer as an article. Raises InvalidArticle for one that is none."""
    try:
        return parse_article(text)
    except InvalidArticle:
        return parse_article(_in_shape(ArticleContent, text))


def idea_in(text: str, *, topic: str) -> Idea:
    """Read an answer as an outline, mended. Raises InvalidArticle for one that is none, or that has no section."""
    try:
        return parse_idea(text)
    except InvalidArticle:
        return parse_idea(_with_its_parts(_in_shape(Idea, text), topic))


def _with_its_parts(text: str, topic: str) -> str:
    """Give an outline the title and the picture that it lacks, and leave out sections without a heading."""
    try:
        idea = Idea.model_validate_json(text)
    except ValidationError:
        return text
    title = idea.title.strip() or shortened(texts.one_line(topic), TITLE_MAX)
    changes = {
        "title": title,
        "image_prompt": idea.image_prompt.strip() or f"A photograph that shows: {title}.",
        "sections": [section for section in idea.sections if section.heading.strip()],
    }
    return idea.model_copy(update=changes).model_dump_json()


# What a field that is missing, or null, may be taken for. The rest is what the article says, and can't be made up.
_UNSAID: dict[str, Any] = {
    "angle": "", "audience": "", "bold": False, "caption": "", "excerpt": "", "image_alt_text": "", "image_prompt": "",
    "italic": False, "level": 2, "meta_description": "", "meta_title": "", "ordered": False, "pitch": "", "product_id": None,
    "product_ids": (), "purpose": "", "slug": "", "tags": (), "title": "",
}  # fmt: skip
# How what stands bare in such a list is written out.
_WRITTEN_OUT: dict[str, Callable[[Any], Any]] = {
    "blocks": lambda text: {"type": "paragraph", "runs": [text]},
    "runs": lambda text: {"text": text},
    "items": lambda text: {"runs": [text]},
    "rows": lambda cells: {"cells": cells},
}
# Each round mends all that the schema names. What was written out may have more to mend within it.
_ROUNDS = 6
# An answer with more is none that could be mended, and to try would keep all other threads waiting: it takes quadratic time.
_FAULTS_MAX = 2_000


def _in_shape(model: type[BaseModel], text: str) -> str:
    """Return the answer as the schema wants it, as far as nothing has to be made up for it."""
    try:
        answer = in_full(parsed_json(text))
    except ValueError:
        return text
    for _ in range(_ROUNDS):
        try:
            model.model_validate(answer)
        except ValidationError as error:
            if error.error_count() > _FAULTS_MAX:
                break
            named = error.errors(include_url=False)
            lacking = [problem for problem in named if problem["type"] != "extra_forbidden"]
            # What is too much goes last: it may be what is lacking elsewhere, under another name.
            if not (_put_all_right(answer, lacking) or _put_all_right(answer, named)):
                break
        else:
            break
    return json.dumps(answer)


def _put_all_right(answer: Any, problems: Sequence[Any]) -> int:
    """Mend what can be. From the end: what is removed must not move what is named after it."""
    return sum(_put_right(answer, problem) for problem in reversed(problems))


def _put_right(answer: Any, problem: Any) -> bool:
    """Mend what a problem of the schema names. False: it can't be."""
    *path, name = problem["loc"] or [None]
    holder = _at(answer, path)
    if isinstance(holder, list) and isinstance(name, int) and name < len(holder):
        _put_right_in_list(holder, name, str(path[-1]))
        return True
    if not isinstance(holder, dict) or not isinstance(name, str):
        return False
    value = holder.get(name)
    if problem["type"] == "extra_forbidden":
        del holder[name]
    elif name == "runs" and isinstance(text := value or holder.get("text"), str):
        holder[name] = [text]
    elif value is None and name in _UNSAID:
        holder[name] = _UNSAID[name]
    elif name == "level":
        # As a number out of range, or in words: "2", "h2".
        digit = next((int(character) for character in str(value) if character in "0123456789"), 2)
        holder[name] = min(max(digit, 2), 4)
    elif problem["type"] == "string_type" and isinstance(value, int | float):
        holder[name] = str(value)
    else:
        return False
    return True


def _put_right_in_list(holder: list[Any], number: int, name: str) -> None:
    """Write out what stands bare; leave out what is none, such as a block of a kind that there is not."""
    value = holder[number]
    if name in _WRITTEN_OUT and isinstance(value, list if name == "rows" else str):
        holder[number] = _WRITTEN_OUT[name](value)
    elif isinstance(value, int | float):
        holder[number] = str(value)
    else:
        del holder[number]


def _at(answer: Any, path: list[Any]) -> Any:
    """Follow a problem's path. Behind a block's number it names the block's kind, which is no step into it."""
    found = answer
    for step in path:
        if isinstance(found, dict) and step == found.get("type"):
            continue
        if (isinstance(found, list) and isinstance(step, int) and step < len(found)) or (
            isinstance(found, dict) and step in found
        ):
            found = found[step]
        else:
            return None
    return found
