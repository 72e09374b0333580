"""The stand-in writer keeps to the prompt: each language and length of it passes the product's own gate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blogs.article import prompts
from blogs.article.quality import judged, judged_idea
from tests.sandbox import voices, writer
from tests.support.orders import PRODUCTS, order_for, read

LANGUAGES = ["en", *voices.languages()]


@pytest.mark.parametrize("length", prompts.SECTIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_article_passes_the_gate(language: str, length: str) -> None:
    # Half of them have products.
    products = PRODUCTS if (LANGUAGES.index(language) + len(length)) % 2 else []
    assert_passes(language, length, products)


def assert_passes(language: str, length: str, products: list[dict[str, Any]], **more: Any) -> None:
    data, request = order_for(language, length, products, **more)
    idea = writer.idea(read(prompts.idea(data)))
    article = writer.article(read(prompts.article({**data, "idea": idea.model_dump()})))

    of_idea = judged_idea(idea, request=request)
    verdict = judged(article, idea=idea, request=request, products=products)

    assert (of_idea, verdict.errors, [str(warning) for warning in verdict.warnings]) == (([], []), [], [])
    assert len(idea.sections) == prompts.SECTIONS[length]


def test_there_are_twelve_languages() -> None:
    assert len(LANGUAGES) >= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_have_the_topic_and_differ_from_earlier_ones(language: str) -> None:
    earlier: list[str] = []
    for _ in range(3):
        data, request = order_for(language, "short", [], earlier=earlier)
        earlier.append(writer.idea(read(prompts.idea(data))).title)

    assert len(set(earlier)) == 3
    assert all(request.topic.lower() in title.lower() for title in earlier)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_of_products_stands_in_the_order(language: str) -> None:
    data, _ = order_for(language, "medium", PRODUCTS)
    idea = writer.idea(read(prompts.idea(data)))

    written = writer.article(read(prompts.article({**data, "idea": idea.model_dump()})))

    cards = [block for block in written.blocks if block.type == "product"]
    assert {card.product_id for card in cards} == {product["id"] for product in PRODUCTS[:3]}
    assert any("Colour: sand, moss." in card.pitch for card in cards)
    whole = json.dumps(written.model_dump(), ensure_ascii=False)
    assert "19.99" not in whole
    assert "Sold Out Cup" not in whole
    known = " ".join(product["text"] for product in PRODUCTS)
    assert all("".join(run.text for run in block.runs) in known for block in written.blocks if block.type == "quote")
