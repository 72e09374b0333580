"""Checks the words that the shop never wants to read: those that it has banned, and its competitors, in any grammatical form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Subject
from blogs.article.quality.text import names


def check(subject: Subject) -> Iterator[Finding]:
    banned = _unsaid(subject, subject.profile.banned_words)
    competitors = _unsaid(subject, subject.profile.competitors)
    if not banned and not competitors:
        return
    for part in subject.parts:
        if term := names.forbidden(banned, part.text, subject.language):
            yield part.finding("banned word", ERROR, term)
        if term := names.forbidden(competitors, part.text, subject.language):
            yield part.finding("competitor", ERROR, term)


def _unsaid(subject: Subject, terms: Sequence[str]) -> list[str]:
    """Leave out what stands in the request or the facts: an article about it can't do without."""
    return [term for term in terms if not names.forbidden([term], subject.known, subject.language)]
