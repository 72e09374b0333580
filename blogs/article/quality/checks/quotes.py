"""Checks that no person is quoted with words that are not in the data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Subject
from blogs.article.quality.text.words import is_unspaced, shingles, words

_QUOTED = re.compile(r"[“„«「『\"»]([^“”„«»「」『』\"]{12,400})[”“»」』\"«]")
_WORDS_MIN = 4
_SIZE = 3
_SAID = 0.6


def check(subject: Subject) -> Iterator[Finding]:
    known: set[str] | None = None
    for part in subject.body:
        for quoted in [part.text] if part.kind == "quote" else _quoted_people(subject, part.text):
            if " ".join(words(quoted)) in " ".join(words(subject.known)):
                continue
            known = shingles(subject.known, _SIZE) if known is None else known
            said = shingles(quoted, _SIZE)
            if not said or len(said & known) < _SAID * len(said):
                yield part.finding("quotation that is not in the data", ERROR, quoted)


def _quoted_people(subject: Subject, text: str) -> Iterator[str]:
    """Yield what stands in quotation marks beside somebody who says it: words alone are quoted for other reasons."""
    for found in _QUOTED.finditer(text):
        long = len(found[1]) > 14 if is_unspaced(found[1]) else len(words(found[1])) >= _WORDS_MIN
        around = text[max(0, found.start() - 60) : found.start()] + " " + text[found.end() : found.end() + 60]
        if long and subject.lexicon["customer"].found(around):
            yield found[1]
