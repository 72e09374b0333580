"""The article as its readers see it: cover, text with links and photos, and what a search engine shows of it.

A model wrote it about a shop's own products, so nothing in it is trusted: only addresses that begin with https:// become links, and
pictures come from Wix's media host alone (`config/door/content_policy.py` lets browsers load them from nowhere else).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from blogs.article.schema import META_DESCRIPTION_MAX, META_TITLE_MAX
from blogs.models import Article, BlogGeneration, Stage, Status

# About where Google cuts: it goes by pixels, which no server knows.
_TITLE_SHOWN = 60
_DESCRIPTION_SHOWN = 155

Outputs = Mapping[str, dict[str, Any]]
"""What each stage has produced, by the stage's name."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture at Wix, with what is read out in its place."""

    address: str
    alt_text: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """The article among the results of a search: title, address and description, each cut as a search engine does."""

    title: str
    address: str
    description: str
    lengths: list[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Quality:
    """What the gate and the critic found in the article."""

    score: int
    held: bool
    released: bool
    """It was held, and a person has published it as it was."""
    critic: str
    findings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Preview:
    """All that the blog's page shows of the article."""

    article: Article
    blocks: list[dict[str, Any]]
    cover: Picture | None
    no_cover: str
    excerpt: str
    tags: list[str]
    snippet: Snippet
    quality: Quality | None


def preview(blog: BlogGeneration, article: Article, outputs: Outputs) -> Preview:
    """Compose it. The stored article is not validated: those of older versions of the schema are shown too."""
    content, cover, report = article.content, _cover(outputs), _quality(blog, outputs)
    return Preview(
        article=article,
        blocks=_blocks(content, outputs, _marks(report)),
        cover=cover,
        no_cover="" if cover else _no_cover(outputs),
        excerpt=str(content.get("excerpt", "")),
        tags=[str(tag) for tag in content.get("tags", [])],
        snippet=_snippet(blog, content),
        quality=report,
    )


def web_page(address: str | None) -> str:
    """Return the address if a browser may be led there, else ""."""
    return address if address and address.startswith("https://") else ""


def _cover(outputs: Outputs) -> Picture | None:
    media = outputs.get(Stage.MEDIA, {})
    return _picture(media.get("file_id"), media.get("alt_text"))


def _picture(file_id: Any, alt_text: Any) -> Picture | None:
    if not isinstance(file_id, str) or not file_id:
        return None
    return Picture(f"{settings.WIX_MEDIA_BASE_URL}/media/{quote(file_id, safe='~')}", str(alt_text or ""))


def _no_cover(outputs: Outputs) -> str:
    if Stage.MEDIA in outputs:
        return "It has no cover; the timeline says why."
    if outputs.get(Stage.IMAGE, {}).get("url"):
        return "Its cover is made, and not at Wix yet."
    return "Its cover is not made yet."


def _quality(blog: BlogGeneration, outputs: Outputs) -> Quality | None:
    """Read the article's report; None for one of an older release."""
    report = outputs.get(Stage.ARTICLE, {}).get("quality")
    if not isinstance(report, dict) or "score" not in report:
        return None
    findings = [found for found in report.get("findings", []) if isinstance(found, dict)]
    was_held, is_done = bool(report.get("held")), blog.status == Status.DONE
    held = blog.needs_review if is_done else was_held
    released = was_held and is_done and not held
    return Quality(int(report["score"]), held, released, str(report.get("critic", "")), findings)


Marks = list[tuple[str, str]]
"""What is to be marked in the text: the words, and what is said of them."""


def _marks(report: Quality | None) -> Marks:
    left = [found for found in report.findings if not found.get("done")] if report else []
    return [(str(found.get("quote", "")), str(found.get("check", ""))) for found in left if found.get("quote")]


def _span(quote: str, text: str) -> tuple[int, int] | None:
    """Say from where to where a quote stands in a text, whatever its case: "ß" is one character, and folded it is two."""
    found = re.search(re.escape(quote), text, re.IGNORECASE)
    return found.span() if found else None


def _marked(text: str, marks: Marks) -> str:
    """Say what is marked in a text that is shown whole; "" for nothing."""
    said = [check for quote, check in marks if _span(quote, text)]
    return "; ".join(dict.fromkeys(said))


def _with_marks(runs: list[dict[str, Any]], marks: Marks) -> list[dict[str, Any]]:
    """Split a paragraph's runs where what is marked begins and ends, which may be in other runs."""
    text = "".join(run["text"] for run in runs)
    spans = [(*span, check) for quote, check in marks if (span := _span(quote, text))]
    if not spans:
        return runs
    edges, found, begin = sorted({edge for at, end, _ in spans for edge in (at, end)}), list[dict[str, Any]](), 0
    for run in runs:
        end = begin + len(run["text"])
        cuts = [begin, *(edge for edge in edges if begin < edge < end), end]
        for first, last in itertools.pairwise(cuts):
            said = "; ".join(dict.fromkeys(check for at, to, check in spans if at <= first < to))
            found.append({**run, "text": text[first:last], "mark": said})
        begin = end
    return found


def _blocks(content: Mapping[str, Any], outputs: Outputs, marks: Marks) -> list[dict[str, Any]]:
    """Give the blocks with products' names, pages and photos for their ids."""
    products = {product["id"]: product for product in outputs.get(Stage.PRODUCTS, {}).get("products", [])}
    photos = outputs.get(Stage.MEDIA, {}).get("photos", {})

    def named(part: dict[str, Any]) -> dict[str, Any]:
        product_id = part.get("product_id")
        if not product_id:
            return part
        product, photo = products.get(product_id, {}), photos.get(product_id, {})
        return {
            **part,
            "product": product.get("name", product_id),
            "page": web_page(product.get("url")),
            "photo": _picture(photo.get("file_id"), photo.get("alt_text")),
        }

    def block(raw: dict[str, Any]) -> dict[str, Any]:
        found = named(raw)
        if "runs" in raw:
            found = {**found, "runs": [named(run) for run in _with_marks(raw["runs"], marks)]}
        if "items" in raw:
            found = {
                **found,
                "items": [
                    {**item, "runs": [named(run) for run in _with_marks(item["runs"], marks)]} for item in raw["items"]
                ],
            }
        for name in ("text", "pitch", "caption"):
            if said := _marked(raw.get(name) or "", marks):
                found = {**found, "mark": said}
        return found

    return [block(raw) for raw in content.get("blocks", [])]


def _snippet(blog: BlogGeneration, content: Mapping[str, Any]) -> Snippet:
    title, description = str(content.get("meta_title", "")), str(content.get("meta_description", ""))
    address = web_page(blog.post_url) or _address_to_be(blog, content)
    return Snippet(
        title=_cut(title or str(content.get("title", "")), _TITLE_SHOWN),
        address=address,
        description=_cut(description or str(content.get("excerpt", "")), _DESCRIPTION_SHOWN),
        lengths=[
            ("Title", len(title), META_TITLE_MAX),
            ("Description", len(description), META_DESCRIPTION_MAX),
        ],
    )


def _address_to_be(blog: BlogGeneration, content: Mapping[str, Any]) -> str:
    """Guess the post's address as Wix makes it: the site's own, and the slug."""
    host = urlsplit(blog.site.url).netloc or "the shop's site"
    return f"{host} › post › {blog.draft_post_slug or content.get('slug', '')}"


def _cut(text: str, most: int) -> str:
    """Cut at a word's end, as a search engine does."""
    if len(text) <= most:
        return text
    return f"{text[:most].rsplit(' ', 1)[0]} …"
