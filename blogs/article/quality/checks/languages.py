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
    for part, text in _texts(subject):
        if found := language.foreign(_without_names(text, subject), subject.request.language):
            yield part.finding(f"written in {found!r}, not in {subject.request.language!r}", ERROR, text)


def _texts(subject: Subject) -> Iterator[tuple[Part, str]]:
    together: dict[tuple[str, int], tuple[Part, list[str]]] = {}
    for part in subject.parts:
        if part.kind in _TOGETHER:
            together.setdefault((part.kind, part.section), (part, []))[1].append(part.text)
        else:
            yield part, part.text
    yield from ((part, "\n".join(texts)) for part, texts in together.values())


def _without_names(text: str, subject: Subject) -> str:
    """Leave out what has no language, or the shop's own: names of products, brand and site, and words that the shop uses."""
    request, profile = subject.request, subject.profile
    known = [product["name"] for product in subject.products]
    brands = [product.get("brand", "") for product in subject.products]
    for name in [*known, *brands, request.site_name, profile.brand]:
        if len(name) > 2:
            text = re.sub(re.escape(name), " ", text, flags=re.IGNORECASE)
    return text.replace(request.topic, " ") if len(request.topic) > 2 else text
