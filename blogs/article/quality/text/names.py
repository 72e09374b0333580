"""Names in running text: of products, competitors, forbidden words, in whatever form a language's grammar gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from blogs.article.quality.text.words import BEGINNING, akin, folded, is_unspaced, words
from wix.writing_systems import UNSPACED

# What languages put behind a name: 's, -s, -en, -n; Slavic, Finnish, Hungarian and Turkish endings are longer.
_ENDING = re.compile(r"(?:['’-]?[^\W\d_]{1,2}|['’-][^\W\d_]{1,5}|)\Z")
_LONG_ENDING = re.compile(r"['’-]?[^\W\d_]{0,6}\Z")
_ENDINGS_ARE_LONG = {
    "pl",
    "cs",
    "sk",
    "ru",
    "uk",
    "bg",
    "hr",
    "sr",
    "sl",
    "fi",
    "et",
    "hu",
    "tr",
    "az",
    "lt",
    "lv",
    "el",
    "ro",
    "ko",
}
_SHORT_ENDINGS = {"a", "u", "y", "i", "em", "om", "ie", "ą", "ę", "ů", "у", "а", "е", "ом", "n", "ssa", "lla"}
_PREFIXES = {"he": re.compile("^[והבלמשכ]{1,2}"), "ar": re.compile("^(?:[وف]?[بلك]?(?:ال)?|لل)")}
# Syllables of Korean particles behind a name.
_PARTICLES = 4
_SEPARATORS = re.compile(r"[\W_]+")
# Where letters of an alphabet meet those of a script without spaces, which puts its particles right behind a name.
_EDGE = re.compile(rf"(?<=[^\W_{UNSPACED}])(?=[{UNSPACED}])|(?<=[{UNSPACED}])(?=[^\W_{UNSPACED}])")


def squeezed(text: str) -> str:
    """Return letters and digits alone, for scripts without spaces."""
    return _SEPARATORS.sub("", folded(text))


@lru_cache(maxsize=2_048)
def _words(text: str) -> tuple[str, ...]:
    return words(text if text.isascii() else _EDGE.sub(" ", text))


@lru_cache(maxsize=2_048)
def _beginnings(text: str) -> frozenset[str]:
    return frozenset(word[:BEGINNING] for word in _words(text))


def may_be_named(name: str, text: str) -> bool:
    """Whether a text has words that begin as all of a name's do: cheap, and false for most."""
    wanted = _beginnings(name)
    return bool(wanted) and wanted <= _beginnings(text)


def begins_in(name: str, text: str) -> bool:
    """Whether a text has a word that begins as a name's first does."""
    wanted = _words(name)[:1]
    return bool(wanted) and wanted[0][:BEGINNING] in _beginnings(text)


def is_named(name: str, text: str) -> bool:
    """Whether a text names it, in any grammatical form: "Lejkiem Szerokim" is a Lejek Szeroki."""
    if not name.strip():
        return False
    if is_unspaced(name):
        return squeezed(name) in squeezed(text)
    if not may_be_named(name, text):
        return False
    wanted, found = _words(name), _words(text)
    for at in range(len(found) - len(wanted) + 1):
        if all(_is_form(one, other) for one, other in zip(wanted, found[at : at + len(wanted)], strict=True)):
            return True
    return False


def _is_form(name: str, word: str) -> bool:
    if name == word or (len(name) >= 3 and word.startswith(f"{name}'")):
        return True
    return not name.isdecimal() and akin(name, word)


def forbidden(terms: Sequence[str], text: str, language: str) -> str | None:
    """Return the first of a shop's forbidden words or competitors that stands in a text, inflected too; None where none does.

    Nothing that only begins alike is one: "zen" is not in "zenith", "Obi" not in "Objekt".
    """
    for term in terms:
        if term.strip() and _stands(term.strip(), text, language):
            return term
    return None


def _stands(term: str, text: str, language: str) -> bool:
    if is_unspaced(term):
        return folded(term) in folded(text)
    wanted, written = _words(term), _words(text)
    bare = [_without_prefix(word, language) for word in written]
    is_proper = term[:1].isupper() and term[:3] in text
    for found in (written, bare) if bare != list(written) else (written,):
        for at in range(len(found) - len(wanted) + 1):
            pairs = zip(wanted, found[at : at + len(wanted)], strict=True)
            if wanted and all(_inflected(one, other, language, is_proper=is_proper) for one, other in pairs):
                return True
    return False


def _without_prefix(word: str, language: str) -> str:
    """Take off what is written together with the word after it: "all'Ikea", "d'Ikea", Hebrew and Arabic prepositions."""
    head, apostrophe, tail = word.rpartition("'")
    if apostrophe and len(tail) > 2 and len(head) <= 5:
        return tail
    prefix = _PREFIXES.get(language)
    return prefix.sub("", word) if prefix and len(word) > 4 else word


def _inflected(term: str, word: str, language: str, *, is_proper: bool) -> bool:
    if word == term:
        return True
    if language == "ko":
        return len(term) > 1 and word.startswith(term) and len(word) - len(term) <= _PARTICLES
    long = language in _ENDINGS_ARE_LONG
    # Final vowels give way to endings: okazja, okazji, okazję.
    has_vowel = long and len(term) > 3 and term[-1] in "aeiouyąęěíýöüıoаяоеиый"
    stem = term[:-1] if has_vowel else term
    if len(stem) < 3 or not word.startswith(stem):
        return False
    rest = word[len(stem) :]
    if len(term) > 4 or (long and is_proper and len(term) > 3):
        return bool((_LONG_ENDING if long else _ENDING).match(rest))
    return rest == "s" or rest.startswith(("'", "-")) or (long and rest in _SHORT_ENDINGS)
