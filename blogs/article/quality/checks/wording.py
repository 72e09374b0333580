"""Words that give an article away: what a template left open, what the prompt says, addresses.

The same words are the subject of another article: "lorem ipsum" has a history, and a shop may sell themes that write
`{{ product.title }}`. So a rule is silent where the shop's own texts speak of its subject, and each pattern takes no more than what
no shop would write about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from blogs.article import plain_text as texts
from blogs.article.quality.text.addresses import addresses, ordinary
from wix.writing_systems import shortened
from workers.texts import cut


class _Rule(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    subject: re.Pattern[str]
    """Found in the texts of a shop for whose articles the rule says nothing."""


def _rule(kind: str, pattern: str, *, unless: str) -> _Rule:
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), re.compile(unless))


_PLACEHOLDER, _PROMPT = "placeholder", "text of the prompt"
_IN_BRACKETS = r"\[insert|\[your |\[(?:product|shop|store|brand|company|link|image|url)\b[^\]]{0,30}\]"
_OPEN_BRACES = r"\{\{|liquid|jinja|mustache|handlebars|twig|template|placeholder"
_RULES = (
    _rule(
        _PLACEHOLDER, r"lorem ipsum dolor|\A\W*lorem ipsum\W*\Z", unless="lorem ipsum|placeholder|dummy text|blindtext"
    ),
    _rule(
        _PLACEHOLDER,
        _IN_BRACKETS,
        unless=f"{_IN_BRACKETS}|template|placeholder|merge tag",
    ),
    # TODO counts only in capitals with a colon or bracket: "todo" is Spanish for "everything".
    _rule(_PLACEHOLDER, r"(?-i:\bTODO:|\[TODO)", unless="to-?do"),
    # In the first person: an article on chatbots says of others that they serve as an AI assistant.
    _rule(
        _PROMPT,
        r"(?:\A|[.!?:;,(\"“–—]\s*|\b(?:but|because|that)\s)"
        r"as an? (?:ai|artificial intelligence|large)(?: language)?(?: model| assistant| chatbot)?,? (?:i|my)\b"
        r"|\bi(?: a|['’])m (?:just |only )?an? (?:ai|large) (?:language )?(?:model|assistant|chatbot)\b",
        unless=r"\bas an? (?:ai|large)|language model|\bi am an? ai\b",
    ),
    _rule(_PROMPT, "</?data>", unless=r"</?data>|\bhtml|\bxml"),
    _rule(_PROMPT, r"\bproduct_ids?\b", unless=r"product[_ -]ids?\b"),
    _rule(_PROMPT, r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", unless=r"\b[ug]uid|\b[0-9a-f]{8}-[0-9a-f]{4}-"),
)
_BRACES = _rule(_PLACEHOLDER, r"\{\{", unless=_OPEN_BRACES)
# In a paragraph `{{ product.title }}`, with a dot, is spoken of; what a template left open is a plain `{{name}}`.
_BRACES_IN_TEXT = _rule(_PLACEHOLDER, r"\{\{(?!\s*\w+\.\w)", unless=_OPEN_BRACES)
_TITLE = re.compile(r"(?:(?:blog|article|post) )?title|untitled|heading(?: \d+)?", re.IGNORECASE)


def problems_of_titles(titles: Iterable[str], *, about: str) -> Iterator[str]:
    """Name titles and headings that say only what they are."""
    for title in titles:
        if _TITLE.fullmatch(title.strip()) and title.strip().casefold() not in about.casefold():
            yield f"placeholder {title.strip()!r}"


def problems_of_texts(head: Iterable[str], body: Iterable[str], *, about: str) -> Iterator[str]:
    """Name words that give the article away. `head`: what stands around the body; `about`: the shop's own texts."""
    known = ordinary(about).casefold()
    for texts_of_part, braces in ((head, _BRACES), (body, _BRACES_IN_TEXT)):
        rules = [rule for rule in (*_RULES, braces) if not rule.subject.search(known)]
        for text in texts_of_part:
            yield from (f"{found} in {shortened(texts.one_line(text), 60)!r}" for found in _found(text, rules, known))


def _found(text: str, rules: Iterable[_Rule], known: str) -> Iterator[str]:
    for rule in rules:
        if match := rule.pattern.search(text):
            yield f"{rule.kind} {match[0]!r}"
    if address := next(addresses(text, known=known), None):
        yield f"address {cut(address, 60)!r}"
