"""Checks that every part is in the language that was asked for: titles, headings, descriptions, captions, each paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Part, Subject
from blogs.article.quality.text import language

# Too short to tell alone. Those of a section are read together.
_TOGETHER = {"tag", "item", "cell", "button"}


def check(subject: Subject) -> Iterator[Finding]:
    names = _names(subject)
    for part, text in _texts(subject):
        if found := language.foreign(names.sub(" ", text), subject.request.language):
            yield part.finding(f"written in {found!r}, not in {subject.request.language!r}", ERROR, text)


def _texts(subject: Subject) -> Iterator[tuple[Part, str]]:
    together: dict[tuple[str, int], tuple[Part, list[str]]] = {}
    for part in subject.parts:
        if part.kind in _TOGETHER:
            together.setdefault((part.kind, part.section), (part, []))[1].append(part.text)
        else:
            yield part, part.text
    yield from ((part, "\n".join(texts)) for part, texts in together.values())


def _names(subject: Subject) -> re.Pattern[str]:
    """What has no language, or the shop's own: its products' names and options, its brand and site, and what was asked for."""
    request, profile = subject.request, subject.profile
    known = {request.topic, request.site_name, profile.brand}
    for product in subject.products:
        known.update((product["name"], product.get("brand", "")))
        for option in product.get("options", ()):
            known.update((option["name"], *option["choices"]))
    # The longest first: "Stone Mug" before "Stone".
    long = sorted((name for name in known if len(name) > 2), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, long)) or r"(?!)", re.IGNORECASE)
