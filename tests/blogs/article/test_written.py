"""The draft's document as HTML, Markdown and plain text: with all that it says, and nothing that a text could smuggle in."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import markdown_it
import pytest
from hypothesis import given

from blogs.article import ricos, written
from blogs.article.schema import ArticleContent
from tests.support.blogs.articles import any_articles
from tests.support.blogs.rendering import rendered

_CARD = ricos.ProductCard(
    id="p1",
    name='Wool "Nordic" <scarf>',
    url="https://shop.example/p?a=1&b=2",
    image_id="media_1.jpg",
    image_width=800,
    image_height=600,
    alt_text="A scarf",
)
_EVIL = "<script>alert(1)</script> [x](javascript:alert(1)) *b* `c` | \\ & # _"


def _runs(*texts: str, **flags: Any) -> list[dict[str, Any]]:
    return [{"text": text, "bold": False, "italic": False, "product_id": None, **flags} for text in texts]


_BLOCKS: list[dict[str, Any]] = [
    {"type": "paragraph", "runs": _runs("First words.")},
    {"type": "heading", "level": 2, "text": "Choosing"},
    {"type": "paragraph", "runs": [*_runs("bold ", bold=True), *_runs("and linked", product_id="p1"), *_runs(_EVIL)]},
    {"type": "list", "ordered": False, "items": [{"runs": _runs("one")}, {"runs": _runs("two", italic=True)}]},
    {"type": "list", "ordered": True, "items": [{"runs": _runs("first")}, {"runs": _runs("second")}]},
    {"type": "quote", "runs": _runs("Said so.")},
    {"type": "table", "header": ["A", "B|"], "rows": [{"cells": ["1", "<2>"]}]},
    {"type": "product", "product_id": "p1", "pitch": "Warm."},
    {"type": "divider"},
    {"type": "paragraph", "runs": _runs("1. no list")},
    {"type": "paragraph", "runs": _runs("# no heading")},
]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    article = ArticleContent.model_validate(
        {
            "language": "en",
            "title": "T",
            "meta_title": "",
            "meta_description": "",
            "slug": "",
            "excerpt": "",
            "tags": [],
            "blocks": _BLOCKS,
        }
    )
    return ricos.render(article, marker="blog-1-x", products={"p1": _CARD}, allowed_hosts=["shop.example"])


_VOID = ("img", "hr")


class _Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.words, self.links = "", set[str]()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


_LINKS = {"https://shop.example/p?a=1&b=2", "https://static.wixstatic.com/media/media_1.jpg"}


def test_html_has_every_part_and_every_tag_is_closed(document: Any) -> None:
    seen = _Seen(written.html("A <title>", "en", document))

    assert {"h1", "h2", "h3", "p", "ul", "ol", "li", "blockquote", "table", "th", "td", "img", "hr"} <= seen.tags
    assert seen.links == _LINKS
    assert "script" not in seen.tags
    for words in ("A <title>", _EVIL, 'Wool "Nordic" <scarf>', "B|", "<2>"):
        assert words in seen.words


def test_markdown_reads_as_the_same_document(document: Any) -> None:
    seen = _Seen(markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(written.markdown("A <title>", document)))

    assert {
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "blockquote",
        "table",
        "th",
        "td",
        "img",
        "hr",
        "strong",
        "em",
    } <= (seen.tags)
    assert seen.links == _LINKS
    assert "script" not in seen.tags
    for words in ("A <title>", _EVIL, 'Wool "Nordic" <scarf>', "B|", "<2>", "1. no list", "# no heading"):
        assert words in seen.words


def test_plain_text_has_the_words_and_nothing_else(document: Any) -> None:
    text = written.plain("A <title>", document)

    assert text.startswith("A <title>\n\nFirst words.\n\nChoosing\n\nbold and linked")
    for words in (_EVIL, "- one\n- two", "1. first\n2. second", "A\tB|\n1\t<2>", "https://shop.example/p?a=1&b=2"):
        assert words in text


@given(article=any_articles)
def test_whatever_an_article_says_html_stays_whole_and_nothing_is_lost_on_the_way(article: ArticleContent) -> None:
    document = rendered(article)

    seen = _Seen(written.html(article.title, article.language, document))
    written.markdown(article.title, document)

    assert seen.tags.isdisjoint({"script", "iframe", "style"})
    assert all(link.startswith(("https://shop.example/", "https://static.wixstatic.com/media/")) for link in seen.links)
    assert written.plain(article.title, document)
