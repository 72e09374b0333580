"""Checks that the article has every section of its outline, each with something in it, and that it is about what its title says."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from blogs.article import plain_text as texts
from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Part, Subject
from blogs.article.quality.text import lexicon
from blogs.article.quality.text.words import akin, content_words, folded

_ALIKE = 0.6
# A section with fewer words says nothing; one with less than a fifth of the others' was begun and left.
_WORDS_MIN, _SHARE_MIN = 12, 0.2
# A title shares a word with the body unless it is of another article.
_BODY_READ = 20_000


def check(subject: Subject) -> Iterator[Finding]:
    yield from _missing(subject)
    yield from _thin(subject)
    yield from _off_the_title(subject)


def _missing(subject: Subject) -> Iterator[Finding]:
    """Name sections of the outline that are not there. A heading in other words is one, as long as there are enough of them."""
    headings = [part.text for part in subject.body if part.kind == "heading"]
    wanted = [section.heading for section in subject.idea.sections]
    lacking, spare = unmatched(wanted, headings)
    if wanted and wanted[-1] not in lacking:
        # Behind the outline's last section stands the writer's own end.
        last = max(at for at, heading in enumerate(headings) if heading not in spare)
        spare = [heading for heading in headings[:last] if heading in spare]
    for heading in lacking[len(spare) :] if len(spare) < len(lacking) else ():
        yield Finding("section of the outline is missing", ERROR, "outline", heading)


def unmatched(wanted: Sequence[str], headings: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the wanted headings that are not there in any words, and those that are there and were not wanted."""
    spare = list(headings)
    lacking = []
    for heading in wanted:
        same = next((other for other in spare if folded(other) == folded(heading)), None)
        same = same or next((other for other in spare if _are_alike(other, heading)), None)
        if same is None:
            lacking.append(heading)
        else:
            spare.remove(same)
    return lacking, spare


def _are_alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, folded(one), folded(other))
    return matcher.real_quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _thin(subject: Subject) -> Iterator[Finding]:
    sections = _sections(subject.body)
    counts = [sum(texts.words(part.text) for part in parts[1:]) for parts in sections]
    usual = _SHARE_MIN * statistics.median(counts) if counts else 0
    # The writer's own end, beside the outline, may be a short one.
    outlined = {folded(section.heading) for section in subject.idea.sections}
    for parts, count in zip(sections, counts, strict=True):
        if count < _WORDS_MIN or (count < usual and folded(parts[0].text) in outlined):
            yield parts[0].finding("section says nothing" if count < _WORDS_MIN else "thin section", ERROR)


def _sections(body: Sequence[Part]) -> list[list[Part]]:
    """Return the parts of each section, its heading first."""
    sections: dict[int, list[Part]] = {}
    for part in body:
        if part.section:
            sections.setdefault(part.section, []).append(part)
    return [parts for parts in sections.values() if parts[0].kind == "heading"]


def _off_the_title(subject: Subject) -> Iterator[Finding]:
    title = subject.article.title
    functional = lexicon.function_words()
    wanted = [word for word in content_words(title) if word not in functional]
    if len(wanted) < 2:
        return
    body = "\n".join(part.text for part in subject.body)[:_BODY_READ]
    said = set(content_words(body))
    found = sum(word in said or any(akin(word, other) for other in said) for word in wanted)
    least = 1 if len(wanted) < 6 else 2
    if found < least:
        yield Finding("the body is not about its title", ERROR, "title", title)
