"""The words of a product and of a topic, and how they are written for PostgreSQL's text search.

PostgreSQL's own parser knows only words with spaces between them and, in a database of the C locale, only ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from wix.catalog.product import Product
from wix.writing_systems import TIBETAN, UNSPACED, normalized

# How much of a product's text counts: enough to say what it is, and little enough to compare thousands.
_TEXT_MAX = 600
_WORDS_MAX = 100
# Longer than any that we make a vector or a query of.
_READ_MAX = 10_000
# A prompt has up to 2,000 characters; its first words say what it is about.
_TOPIC_MAX = 12

_UNSPACED = UNSPACED + TIBETAN
# The vowel signs of Indian scripts are no letters to Python.
_RUN = re.compile(f"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])(?:[^\\W_]|[\u0900-\u0dff]))+")
# Of these letters, each two neighbours count as a word.
_LETTERS_WITHOUT_SPACES = re.compile(f"[{_UNSPACED}]")


def of(text: str, *, short: bool = False) -> list[str]:
    """Return a text's words in order, each once, folded. They have letters and digits only, so that none needs quoting.

    `short`: with words of one and two letters, and the last letter of what has no spaces, so that each letter begins a word.
    """
    text = text[:_READ_MAX]
    folded = text.lower() if text.isascii() else _folded(text)
    found: list[str] = []
    for run in _RUN.findall(folded):
        if not _LETTERS_WITHOUT_SPACES.match(run):
            found += [run[:40]] if short or len(run) > 2 or run.isdigit() else []
        elif len(run) == 1:
            found.append(run)
        else:
            found += [run[at : at + 2] for at in range(len(run) - 1 + short)]
    return list(dict.fromkeys(found))


def _folded(text: str) -> str:
    """Fold case, and drop accents, which people leave out; in some scripts they are signs beside the letters (Thai, Arabic)."""
    decomposed = normalized("NFKD", normalized("NFKC", text)[:_READ_MAX].casefold())
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if unicodedata.category(char) != "Mn"))


def vector(product: Product) -> str:
    """Return a tsvector: the words of the name with weight A, those of brand, options and text with D."""
    name = of(product.name)
    choices = " ".join(f"{option.name} {' '.join(option.choices)}" for option in product.options)
    rest = of(f"{product.brand} {choices} {product.text[:_TEXT_MAX]}")
    weights = dict.fromkeys(name, "A") | {word: "D" for word in rest if word not in name}
    return " ".join(f"'{word}':1{weight}" for word, weight in list(weights.items())[:_WORDS_MAX])


def queries(text: str) -> list[str]:
    """Return a tsquery for each word of a topic, without the weights that end it. "mugs" also finds a mug, and "scarf" scarfs."""
    return [f"'{beginning}':*" if beginning else f"'{word}':" for word, beginning in _beginnings(of(text)[:_TOPIC_MAX])]


def _beginnings(found: list[str]) -> Iterator[tuple[str, str]]:
    """Pair each word with what its other forms begin with too, in any language; with "" where that is too short to tell."""
    for word in found:
        if _LETTERS_WITHOUT_SPACES.match(word) or word.isdecimal():
            yield word, ""
        elif len(word) >= 6 or (len(word) >= 4 and word.endswith("s")):
            yield word, word[:-1]
        else:
            yield word, word if len(word) == 5 else ""
