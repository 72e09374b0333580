"""Warns of what makes an article worse and does no harm: clichés, exclamations, capitals, tags and descriptions that say nothing,
an odd length. Only a length far from the asked one is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blogs.article import plain_text as texts
from blogs.article.prompts import SECTIONS
from blogs.article.quality.data import ERROR, WARNING, Finding
from blogs.article.quality.subject import Subject
from blogs.article.quality.text import lexicon
from blogs.article.quality.text.words import content_words, folded, is_unspaced, words

_CLICHES, _EXCLAMATIONS = 2, 2
_EXCLAMATION = re.compile("[!！]")
_SHOUTED_WORDS = 4
# How much of the asked length an article may have: a shorter one was cut or is thin, a longer one runs on.
_LEAST, _MOST = 0.42, 1.45
# What the prompt asks for a section, of an outline with four sections or more and with fewer: English words; else characters.
_WORDS, _CHARACTERS, _EAST_ASIAN = (280, 180), (1_300, 800), (600, 400)
_IN_CHARACTERS = {"pl", "cs", "sk", "fi", "hu", "tr", "et"}
_MANY = 4


def check(subject: Subject) -> Iterator[Finding]:
    yield from _length(subject)
    yield from _cliches(subject)
    yield from _loudness(subject)
    yield from _tags(subject)
    yield from _description(subject)


def _length(subject: Subject) -> Iterator[Finding]:
    body = [part.text for part in subject.body]
    asked_sections = SECTIONS[subject.request.length]
    few = 1 if asked_sections < _MANY else 0
    whole = "".join(body)
    if is_unspaced(whole) or subject.language == "ko":
        asked, found = _EAST_ASIAN[few], len(whole)
    elif subject.language in _IN_CHARACTERS or not _is_latin(whole):
        asked, found = _CHARACTERS[few], len(whole)
    else:
        asked, found = _WORDS[few], sum(map(texts.words, body))
    share = found / (asked * asked_sections)
    if not _LEAST <= share <= _MOST:
        told = "shorter" if share < _LEAST else "longer"
        yield Finding(f"far {told} than was asked for", ERROR, "body", f"{share:.0%} of the asked length")


def _is_latin(text: str) -> bool:
    letters = [char for char in text[:600] if char.isalpha()]
    return sum(char < "\u0250" for char in letters) > 0.5 * len(letters)


def _cliches(subject: Subject) -> Iterator[Finding]:
    cliches = {language: lexicon.of(language)["cliches"] for language in {subject.language, "en"}}
    found = [
        (part, sentence)
        for part, sentence in subject.sentences
        if any(terms.found(sentence) for terms in cliches.values())
    ]
    if len(found) >= _CLICHES:
        yield from (part.finding("cliché", WARNING, sentence) for part, sentence in found)


def _loudness(subject: Subject) -> Iterator[Finding]:
    shouts = sum(len(_EXCLAMATION.findall(part.text)) for part in subject.parts)
    if shouts > _EXCLAMATIONS:
        yield Finding("exclamation marks", WARNING, "article", str(shouts))
    for part, sentence in subject.sentences:
        long = [word for word in re.findall(r"[^\W\d_]{2,}", sentence) if word.upper() != word.lower()]
        capitals = [word for word in long if word.isupper()]
        if len(capitals) >= _SHOUTED_WORDS and len(capitals) > 0.7 * len(long):
            yield part.finding("capitals", WARNING, sentence)


def _tags(subject: Subject) -> Iterator[Finding]:
    generic = [tag for tag in subject.article.tags if _is_generic(subject, tag)]
    if 2 * len(generic) > len(subject.article.tags):
        yield Finding("tags that say nothing", WARNING, "tags", ", ".join(generic))


def _is_generic(subject: Subject, tag: str) -> bool:
    generic = lexicon.of("en")["generic_tags"], subject.lexicon["generic_tags"]
    return all(any(terms.found(word) for terms in generic) for word in words(tag)) if words(tag) else True


def _description(subject: Subject) -> Iterator[Finding]:
    title, description = subject.article.title, subject.article.meta_description
    said = content_words(description)
    if (
        said
        and folded(description).count(folded(title))
        and len(set(said) - set(content_words(title))) < 0.5 * len(set(said))
    ):
        yield Finding("the description repeats the title", WARNING, "description for search results", description)
    elif len(said) > 5 and len(set(said)) < 0.62 * len(said):
        yield Finding("the description repeats itself", WARNING, "description for search results", description)
