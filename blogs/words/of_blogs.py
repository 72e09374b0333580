"""Which words a blog has, and the form of a question for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blogs.models import Article, BlogGeneration, BlogWords, SourceType, Stage
from wix.catalog import words
from workers.texts import cut

# A title and six products' names have a tenth of it. A prompt may have more: its first words count.
_WORDS_MAX = 300
# More words narrow nothing down.
_ASKED_MAX = 12
_SUBJECT_MAX = 200
# PostgreSQL takes no word of 2,047 bytes or more.
_KEY_MAX = 255
# Shorter words are looked for whole: what begins with one letter or two says nothing, and is every third word.
_BEGINS = 3


def of_request(blog: BlogGeneration, metadata: Mapping[str, str]) -> list[str]:
    """List the words of what was asked for. Marks that no word has lead to its shop, its idempotency key and its metadata."""
    own = [blog.idempotency_key or "", *metadata.values(), *(f"{name}:{value}" for name, value in metadata.items())]
    marks = [_of_key(text) for text in own if 0 < len(text) <= _KEY_MAX]
    topic = [] if is_named_by_id(blog) else words.of(blog.source_id, short=True)
    return [of_site(blog.site_id), *marks, *topic[:_WORDS_MAX]]


# What these are about is an id: the first stage finds its name.
_NAMED_BY_ID = (SourceType.PRODUCT, SourceType.COLLECTION)


def is_named_by_id(blog: BlogGeneration) -> bool:
    """Say whether its request names a product or a collection, by an id that tells a person nothing."""
    return blog.source_type in _NAMED_BY_ID


def of_site(site_id: int) -> str:
    return f"@{site_id}"


def _of_key(text: str) -> str:
    return f"={text}"


def of_products(output: dict[str, Any]) -> list[str]:
    """List the words of the names that the first stage has found: of products, and of what the blog is about."""
    names = [output.get("source_text", ""), *(product["name"] for product in output.get("products", []))]
    return words.of("\n".join(names), short=True)[:_WORDS_MAX]


def of_title(title: str) -> list[str]:
    return words.of(title, short=True)[:_WORDS_MAX]


def subject(blog: BlogGeneration, output: dict[str, Any]) -> str:
    """Name the product or collection that a blog is about; "" where the request has said it in words."""
    return cut(output.get("source_text", ""), _SUBJECT_MAX) if is_named_by_id(blog) else ""


def found_by(blog: BlogGeneration, stage: Stage, output: dict[str, Any], article: Article | None) -> dict[str, Any]:
    """Return what a stage's output adds, as CHECKPOINT_WITH_WORDS takes it; empty for a stage that adds nothing."""
    if article:
        return {"level": BlogWords.Level.TITLE, "subject": "", "words": of_title(article.title)}
    if stage == Stage.PRODUCTS:
        return {"level": BlogWords.Level.PRODUCTS, "subject": subject(blog, output), "words": of_products(output)}
    return {}


# --- Questions --------------------------------------------------------------------------------------------------------


def asked(text: str, *, sites: Sequence[int] = ()) -> str:
    """Return the tsquery for blogs that have all these words, of these sites if there are any; "" if the text has no words."""
    found = [_question(word) for word in _enough(words.of(text, short=True))[:_ASKED_MAX]]
    return " & ".join(filter(None, [asked_of_sites(sites), *found])) if found else ""


def asked_of_sites(sites: Sequence[int]) -> str:
    """Return the tsquery for all blogs of these sites; "" for none."""
    return f"({' | '.join(_quoted(of_site(site)) for site in sites)})" if sites else ""


def asked_by_key(text: str) -> str:
    """Return the tsquery for blogs with this idempotency key, or with this value or pair (`order:17`) in their metadata.

    Returns "" for what is too long to be one.
    """
    return _quoted(_of_key(text)) if len(text) <= _KEY_MAX else ""


def _enough(found: list[str]) -> list[str]:
    """Leave out pairs of letters whose neighbours have both. PostgreSQL takes each pair for chance, and expects too little."""
    kept: list[str] = []
    was_kept = False
    for before, word, after in zip(["", *found], found, [*found[1:], ""], strict=False):
        is_covered = (
            was_kept and _continues(before, word) and (len(word) == 1 or (_continues(word, after) and len(after) == 2))
        )
        if not is_covered:
            kept.append(word)
        was_kept = not is_covered
    return kept


def _continues(word: str, after: str) -> bool:
    return not word.isascii() and len(word) == 2 and 0 < len(after) <= 2 and word[1] == after[0]


def _question(word: str) -> str:
    """Look for what begins with the word. A single letter of a script without spaces begins a pair of letters."""
    begins = len(word) >= _BEGINS or (not word.isascii() and len(word) == 1)
    return f"{_quoted(word)}:*" if begins else _quoted(word)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
