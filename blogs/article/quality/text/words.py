"""Words, sentences and overlaps of texts in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from wix.writing_systems import UNSPACED

# Letters in which all forms of a word agree, as `akin` has it.
BEGINNING = 3
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'", "´": "'", "‘": "'"})
# Vowel signs of Indian scripts and points of Hebrew and Arabic are no letters to Python.
_MARKS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e"
_WORD = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:['·](?:[^\W_]|[{_MARKS}])+)*")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
# A full stop ends a sentence only before a space: "2.3 kg" and "Node.js" go on. Those of Chinese and Japanese need none.
_SENTENCE_END = re.compile(r"(?<=[.!?…؟।۔:])[\"”»’)\]]*\s+(?=\S)|(?<=[。！？])[」』”）]?")
_CLAUSE_END = re.compile(r"[;:,،؛](?=\s)|[，、；：]|\s[–—-]\s")


def folded(text: str) -> str:
    """Fold case, compose accents, and write all apostrophes alike. The dot of a Turkish I goes."""
    text = text.casefold() if text.isascii() else unicodedata.normalize("NFC", text.casefold()).replace("\u0307", "")
    return text.translate(_APOSTROPHES)


@lru_cache(maxsize=2_048)
def words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text)))


@lru_cache(maxsize=2_048)
def beginnings(text: str) -> frozenset[str]:
    """Return the first letters of all its words, as many as two forms of one word share: what lacks them lacks the word."""
    return frozenset(word[:BEGINNING] for word in words(text))


def is_unspaced(text: str) -> bool:
    """Whether most of a text is of a script that leaves no spaces between words (Chinese, Japanese, Thai)."""
    return 2 * len(_UNSPACED.findall(text)) > sum(map(str.isalpha, text))


def sentences(text: str) -> list[str]:
    return [part for part in map(str.strip, _SENTENCE_END.split(text)) if part]


def clauses(sentence: str) -> list[str]:
    return [part for part in map(str.strip, _CLAUSE_END.split(sentence)) if part]


def shingles(text: str, size: int) -> set[str]:
    """Return the runs of `size` words; of characters, twice as many, where no spaces part words."""
    if is_unspaced(text):
        letters = "".join(char for char in folded(text) if char.isalnum())
        return {letters[at : at + 2 * size] for at in range(max(0, len(letters) - 2 * size + 1))}
    found = words(text)
    return {" ".join(found[at : at + size]) for at in range(max(0, len(found) - size + 1))}


def content_words(text: str) -> list[str]:
    """Return the words that say what a text is about: those of three letters; of Chinese and Japanese, pairs of letters."""
    return [word for word in _units(text) if len(word) > 2 or _UNSPACED.match(word)]


def _units(text: str) -> Iterator[str]:
    for word in words(text):
        if not _UNSPACED.search(word):
            yield word
            continue
        yield from _UNSPACED_RUN.sub(" ", word).split()
        for run in _UNSPACED_RUN.findall(word):
            yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))


def akin(one: str, other: str) -> bool:
    """Whether two words are probably forms of one: their beginnings agree, and what is left is short."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 4 or len(longer) - len(shorter) > 5 or shorter[:BEGINNING] != longer[:BEGINNING]:
        return False
    same = next((at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    return same >= max(4, len(shorter) - 2) or (len(shorter) > 3 and same >= len(shorter) - 1)
