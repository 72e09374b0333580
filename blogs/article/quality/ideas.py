"""Checks an outline before an article is paid for: its sections, its language, its topic, the text for its picture, and what the
shop has written before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blogs.article.prompts import SECTIONS
from blogs.article.quality.data import ERROR, WARNING, Finding, Request
from blogs.article.quality.text import language, lexicon
from blogs.article.quality.text.words import akin, content_words, folded
from blogs.article.schema import Idea

# A title with so much of an earlier one's words, in any order, tells the same again.
_SAME_TOPIC = 0.75
_LETTERS_SHARED = 0.6
_KEYWORD_PARTS = 3


def check(idea: Idea, request: Request, earlier_titles: Sequence[str]) -> Iterator[Finding]:
    yield from _sections(idea, request)
    yield from _languages(idea, request)
    yield from _topic(idea, request)
    yield from _alternative_text(idea)
    yield from _earlier(idea, earlier_titles)


def _sections(idea: Idea, request: Request) -> Iterator[Finding]:
    asked, found = SECTIONS[request.length], len(idea.sections)
    if found != asked:
        level = WARNING if asked - 1 <= found <= asked + 2 else ERROR
        yield Finding("number of sections", level, "outline", f"{found}, not {asked}")
    told: set[str] = set()
    for section in idea.sections:
        if folded(section.heading) in told:
            yield Finding("two sections with one heading", ERROR, "outline", section.heading)
        told.add(folded(section.heading))


def _languages(idea: Idea, request: Request) -> Iterator[Finding]:
    headings = " ".join(section.heading for section in idea.sections)
    for place, text in (("title", idea.title), ("headings", headings), ("alternative text", idea.image_alt_text)):
        if found := language.foreign(text.replace(request.topic, " "), request.language):
            yield Finding(f"written in {found!r}, not in {request.language!r}", ERROR, f"outline, {place}", text)


def _topic(idea: Idea, request: Request) -> Iterator[Finding]:
    functional = lexicon.function_words()
    wanted = [word for word in content_words(request.topic) if word not in functional]
    said = set(content_words(idea.title))
    if wanted and len(wanted) <= 6 and not any(akin(word, other) for word in wanted for other in said):
        yield Finding("the title does not have the topic", WARNING, "outline, title", idea.title)


def _alternative_text(idea: Idea) -> Iterator[Finding]:
    text = idea.image_alt_text.strip()
    if not text:
        yield Finding("no alternative text", WARNING, "alternative text", "")
    elif text.count(",") + text.count("、") + text.count("，") >= _KEYWORD_PARTS and _is_list_of_keywords(text):
        yield Finding("the alternative text is a list of keywords", WARNING, "alternative text", text)


def _is_list_of_keywords(text: str) -> bool:
    parts = [part for part in text.replace("、", ",").replace("，", ",").split(",") if part.strip()]
    said = [word for part in parts for word in content_words(part)]
    return len(set(said)) < 0.75 * len(said) or (bool(said) and len(parts) > _KEYWORD_PARTS + 1)


def _earlier(idea: Idea, earlier_titles: Sequence[str]) -> Iterator[Finding]:
    for earlier in earlier_titles:
        if is_same_topic(idea.title, earlier):
            yield Finding("the shop has an article with this topic", WARNING, "outline, title", earlier)
            return


def is_same_topic(one: str, other: str) -> bool:
    """Whether two titles tell of one topic: by their words, in any form and order, or by their letters."""
    if folded(one).strip() == folded(other).strip():
        return True
    functional = lexicon.function_words()
    first, second = ({word for word in content_words(title) if word not in functional} for title in (one, other))
    if min(len(first), len(second)) >= 2:
        shared = sum(any(akin(word, known) for known in second) for word in first)
        if shared >= _SAME_TOPIC * max(len(first), len(second)):
            return True
    return _share_of_letters(one, other) >= _LETTERS_SHARED


def _share_of_letters(one: str, other: str) -> float:
    """Compare as `pg_trgm` does: the share of the runs of three letters that two titles have in common."""
    first, second = (_trigrams(title) for title in (one, other))
    return len(first & second) / len(first | second) if first and second else 0.0


def _trigrams(title: str) -> set[str]:
    spaced = "  ".join(["", *folded(title).split(), ""])
    return {spaced[at : at + 3] for at in range(len(spaced) - 2)}
