"""What the gate is asked and what it answers: plain data, so that it needs no table and no settings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from blogs.article.schema import ArticleContent

ERROR, WARNING = "error", "warning"
# Of a part's text, a finding quotes no more.
QUOTE_MAX = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found in one place."""

    check: str
    level: str
    place: str
    """Where it stands: "title", "section 2", "section 2, product card", "alternative text"."""
    quote: str
    done: str = ""
    """What the gate did about it; empty where it could do nothing."""

    def __str__(self) -> str:
        told = f"{self.check} in {self.place}" if self.place else self.check
        return f"{told}: “{self.quote}”" if self.quote else told


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. All of it is the shop's own text: none of its words are an error."""

    topic: str
    language: str
    length: str = "medium"
    site_name: str = ""
    site_url: str = ""
    product_ids: Collection[str] = ()
    """The products that the article was asked to be about."""
    wishes: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a shop says of itself and of what it never wants to read."""

    brand: str = ""
    about: str = ""
    """What it sells."""
    banned_words: Sequence[str] = ()
    """Words and claims."""
    competitors: Sequence[str] = ()
    disclosure: str = ""
    """The line at the end of each article. It is the shop's own: nothing in it is looked at."""
    audience: str = ""
    voice: str = ""
    """A sample of how the shop writes."""
    quality_threshold: int | None = None
    """The score, 0 to 100, below which an article is held for a person; None: the installation's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The article as it was mended, and what was found. It may be published if there are no errors."""

    article: ArticleContent
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


Products = Sequence[dict[str, Any]]
"""Products as the stage keeps them (`wix.catalog.Product.as_dict`); of older releases, without some of the fields."""
