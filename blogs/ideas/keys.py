"""A topic's words: its key, and the stems by which topics alike are found.

A key leaves out case, accents, signs, the words that sentences are made of, and the order. Two topics with one key are one topic.
"""

from __future__ import annotations

import unicodedata
import zlib
from functools import cache

from blogs.article.quality.text import lexicon
from blogs.article.quality.text.words import content_words, words
from blogs.models import TEXT_MAX
from wix import languages
from wix.writing_systems import normalized, shortened

# Of a word in any of its forms, this much stays the same in most languages.
_STEM = 5
# A title has fewer; a prompt's first words say what it is about.
_STEMS_MAX = 12
# People leave the accents of these scripts out.
_LATIN_GREEK_CYRILLIC = ("LATIN", "GREEK", "CYRILLIC")


def of_language(tag: str) -> str:
    """Return a tag's language alone: "pt" of "pt-BR"."""
    return languages.normalised(tag or "en").split("-")[0][:8]


def kept(text: str) -> str:
    """Return a topic's text as it is stored: on one line, and no longer than the column."""
    return shortened(" ".join(text.split()), TEXT_MAX)


def key(text: str, language: str) -> str:
    """Return the key of a topic. It is never empty: a title of nothing but small words is its own words."""
    plain = _plain(text)
    small = _small_words(language)
    telling = [word for word in content_words(plain) if word not in small]
    return " ".join(sorted(telling or words(plain) or (plain.strip() or "-",)))[:TEXT_MAX]


def stems(text: str, language: str) -> list[int]:
    """Return a number for the beginning of each word of the key; those of two languages are never the same."""
    found = dict.fromkeys(word[:_STEM] for word in key(text, language).split())
    longest_first = sorted(found, key=len, reverse=True)[:_STEMS_MAX]
    return [zlib.crc32(f"{language} {word}".encode()) - 2**31 for word in longest_first]


@cache
def _small_words(language: str) -> frozenset[str]:
    """Return the words that sentences are made of, without accents; where the language's own are not known, those of all."""
    known = lexicon.function_words()
    own = [word for word, languages_ in known.items() if language in languages_]
    return frozenset(map(_plain, own or known))


def _plain(text: str) -> str:
    folded = normalized("NFKC", text).casefold()
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFD", folded)
    return unicodedata.normalize("NFC", "".join(_without_accents(decomposed)))


def _without_accents(decomposed: str) -> list[str]:
    """Drop the marks that follow Latin, Greek and Cyrillic letters. In other scripts they are vowels."""
    kept_chars: list[str] = []
    drops = False
    for char in decomposed:
        if unicodedata.category(char) != "Mn":
            drops = char.isalpha() and unicodedata.name(char, "").startswith(_LATIN_GREEK_CYRILLIC)
        elif drops:
            continue
        kept_chars.append(char)
    return kept_chars
