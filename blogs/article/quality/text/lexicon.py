"""What a language's words mean to the gate: one file a language in `lexicons`, read when an article in it comes.

An entry is the beginning of a word ("garant"); with "=" at its end a whole word ("sale="); with "*" at its beginning it may stand
anywhere within one, as in compounds ("*rabatt"). One with a space is a phrase. In scripts without spaces all are found anywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from blogs.article.quality.text.words import BEGINNING, beginnings, folded, words

_FOLDER = Path(__file__).resolve().parents[1] / "lexicons"
_FUNCTION_WORDS = _FOLDER.parent / "function_words.toml"
LANGUAGES = frozenset(path.stem for path in _FOLDER.glob("*.toml"))


class Terms:
    """Some entries of a lexicon, to be found in a sentence."""

    __slots__ = ("_anywhere", "_begin", "_beginnings", "_phrases", "_unspaced", "_whole")

    def __init__(self, entries: Iterable[str], *, unspaced: bool = False) -> None:
        known = [folded(entry) for entry in entries]
        self._unspaced = unspaced
        self._anywhere = tuple(entry.strip("*=") for entry in known if unspaced or entry.startswith("*"))
        spaced = [] if unspaced else [entry for entry in known if not entry.startswith("*")]
        self._phrases = tuple(f" {entry}" for entry in spaced if " " in entry)
        self._whole = frozenset(entry[:-1] for entry in spaced if entry.endswith("=") and " " not in entry)
        self._beginnings = tuple(entry for entry in spaced if " " not in entry and not entry.endswith("="))
        # How the first words of entries begin; None where that can't tell a sentence that has none of them.
        begin = frozenset(entry.partition(" ")[0].rstrip("=")[:BEGINNING] for entry in spaced)
        tells = not self._anywhere and all(len(entry) >= BEGINNING for entry in self._beginnings)
        self._begin = begin if tells else None

    def found(self, text: str) -> str | None:
        """Return what of a text is one of the entries, or None."""
        if self._begin is not None and self._begin.isdisjoint(beginnings(text)):
            return None
        in_words = words(text)
        for word in in_words:
            if word in self._whole or (self._beginnings and word.startswith(self._beginnings)):
                return word
            for part in self._anywhere:
                if part in word:
                    return part if self._unspaced else word
        if self._phrases:
            spaced = f" {' '.join(in_words)} "
            for phrase in self._phrases:
                if (f"{phrase[:-1]} " if phrase.endswith("=") else phrase) in spaced:
                    return phrase.strip("= ")
        return None

    def __bool__(self) -> bool:
        return bool(self._anywhere or self._phrases or self._whole or self._beginnings)


@dataclass(frozen=True, slots=True)
class Lexicon:
    language: str
    terms: dict[str, Terms] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Terms:
        return self.terms.get(name, _NONE)


_NONE = Terms(())


@cache
def function_words() -> dict[str, frozenset[str]]:
    """Return the commonest words, which sentences are made of, each with the languages that have it."""
    found: dict[str, set[str]] = {}
    for language, text in tomllib.loads(_FUNCTION_WORDS.read_text(encoding="utf-8")).items():
        for word in words(text):
            found.setdefault(word, set()).add(language)
    shared: dict[frozenset[str], frozenset[str]] = {}
    return {word: shared.setdefault(frozenset(languages), frozenset(languages)) for word, languages in found.items()}


@cache
def of(language: str) -> Lexicon:
    """Return a language's lexicon; an empty one where we have none."""
    path = _FOLDER / f"{language}.toml"
    if language not in LANGUAGES:
        return Lexicon(language)
    with path.open("rb") as file:
        raw: dict[str, Any] = tomllib.load(file)
    unspaced = language in ("ja", "zh", "th")
    return Lexicon(language, {name: Terms(_entries(text), unspaced=unspaced) for name, text in raw.items()})


def _entries(text: str) -> list[str]:
    """Split a value: entries are parted by commas and line ends."""
    return [entry for part in text.replace("\n", ",").split(",") if (entry := part.strip())]


def is_order(sentence: str, language: str) -> bool:
    """Whether a sentence speaks to a writer, in the shop's language or in English."""
    return any(of(known)["orders"].found(sentence) is not None for known in {language, "en"})
