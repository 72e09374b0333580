"""Checks for damaged text: paragraphs that don't end as sentences do, and letters read in the wrong encoding ("LÃ¤rche")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Subject

_CLOSING = "\"'”»’“‘«)]}」』）】〉》*_ \u00a0"
_GOES_ON = ",、，،-–—(«„“/&+"
# They end sentences with a space, or with nothing.
_WITHOUT_FULL_STOP = {"th", "lo", "km", "my", "bo"}
# The first byte of a letter of UTF-8 read as Latin-1 or Windows-1252, and one that can only follow it.
_FOLLOWING = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"  # noqa: E501
_MISREAD = re.compile(f"[\u00c2-\u00df][{_FOLLOWING}]|[\u00e0-\u00ef][{_FOLLOWING}]{{2}}")
# What a letter becomes that the encoding does not have.
_LOST = re.compile(r"\w\?\w+\?\w|\ufffd")


def check(subject: Subject) -> Iterator[Finding]:
    yield from _cut(subject)
    yield from _misread_letters(subject)


def _cut(subject: Subject) -> Iterator[Finding]:
    disclosure = subject.profile.disclosure.strip()
    for part in subject.body:
        if part.kind != "paragraph" or not part.text.strip() or part.text.strip() == disclosure:
            continue
        text = part.text.rstrip()
        last = text.rstrip(_CLOSING)[-1:] or text[-1]
        is_cut = text[-1] in _GOES_ON or (last.isalnum() and subject.language not in _WITHOUT_FULL_STOP)
        if is_cut:
            yield part.finding("cut text", ERROR, text[-60:])


def _misread_letters(subject: Subject) -> Iterator[Finding]:
    for part in subject.parts:
        found = next(filter(_is_misread, _MISREAD.finditer(part.text)), None)
        if found := found or _LOST.search(part.text):
            yield part.finding(
                "letters in the wrong encoding", ERROR, part.text[max(0, found.start() - 20) : found.end() + 20]
            )


def _is_misread(found: re.Match[str]) -> bool:
    """Whether the bytes are a letter of UTF-8: "«À»" and "Ã£" are written by people too."""
    for encoding in ("cp1252", "latin-1"):
        try:
            letter = found[0].encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return len(letter) == 1 and letter.isprintable()
    return False
