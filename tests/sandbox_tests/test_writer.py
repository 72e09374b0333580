from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from blogs.article import schema as limits
from tests.sandbox import writer

SECTIONS = {"short": 3, "medium": 5, "long": 8}
BUDGET_TOKENS = {"short": 1800, "medium": 3500, "long": 5600}


def ordered(order: dict[str, Any], **changes: Any) -> writer.Order:
    return writer.Order.from_prompt(f"Rules.\n<data>\n{json.dumps(order | changes)}\n</data>\nBegin.")


def keyword(text: str) -> dict[str, str]:
    return {"type": "keyword", "text": text}


@pytest.mark.parametrize("text", ["linen bedding", "test-1", "リネンの寝具", "x" * 300, "a long tail keyword " * 12])
def test_every_part_keeps_its_limit(order: dict[str, Any], text: str) -> None:
    written = writer.article(ordered(order, source=keyword(text)))

    assert 0 < len(written.title) <= limits.TITLE_MAX
    assert 0 < len(written.meta_title) <= limits.META_TITLE_MAX
    assert 70 <= len(written.meta_description) <= limits.META_DESCRIPTION_MAX
    assert 0 < len(written.excerpt) <= limits.EXCERPT_MAX
    assert re.fullmatch(r"[a-z0-9-]{1,80}", written.slug)
    assert 0 < len(written.tags) <= limits.TAGS_MAX


@pytest.mark.parametrize("length", SECTIONS)
def test_an_article_stays_within_the_tokens_of_its_length(order: dict[str, Any], length: str) -> None:
    talkative = (
        "It is a rather long sentence that tells where the thing comes from, who made it and what it is good for. " * 5
    )
    products = [
        {"id": f"3f2504e0-4f89-41d3-9a0c-0305e82c330{n}", "name": f"Product {n}", "text": talkative} for n in range(6)
    ]

    written = writer.article(ordered(order, sections=SECTIONS[length], products=products))

    assert len(written.model_dump_json().encode()) / 4 <= BUDGET_TOKENS[length]


def test_it_has_a_list_a_quote_a_table_and_its_products(order: dict[str, Any]) -> None:
    written = writer.article(ordered(order))

    kinds = [block.type for block in written.blocks]
    assert {kind: kinds.count(kind) for kind in ("list", "quote", "table", "divider")} == dict.fromkeys(
        ("list", "quote", "table", "divider"), 1
    )
    assert [block.product_id for block in written.blocks if block.type == "product"] == ["p-linen", "p-throw"]


def test_a_pitch_is_made_of_the_product_s_own_words(order: dict[str, Any]) -> None:
    written = writer.article(ordered(order))

    [linen] = [block for block in written.blocks if block.type == "product" and block.product_id == "p-linen"]
    assert "European flax" in linen.pitch or "softer with every wash" in linen.pitch


def test_prices_and_addresses_in_a_product_s_text_are_left_out(order: dict[str, Any]) -> None:
    text = "Only $19.99 today! See https://shop.example/deal now. Mail me@shop.example. Woven in a small mill."
    products = [{"id": "a", "name": "Throw", "text": text}, {"id": "b", "name": "Tray", "text": ""}]

    written = writer.article(ordered(order, products=products)).model_dump_json()

    assert "Woven in a small mill." in written
    assert not re.search(r"19\.99|https?:|@", written)


def test_the_same_request_is_answered_with_the_same_article(order: dict[str, Any]) -> None:
    assert writer.article(ordered(order)) == writer.article(ordered(order))


def test_sixty_articles_do_not_read_alike(order: dict[str, Any]) -> None:
    things = ("bowls", "lamps", "trays", "shelves", "boxes", "covers", "frames", "hooks", "stools", "mats")
    topics = [
        f"{material} {thing}" for material in ("oak", "wool", "linen", "steel", "clay", "glass") for thing in things
    ]
    paragraphs = []
    for topic in topics:
        blocks = writer.article(ordered(order, source=keyword(topic))).blocks
        whole = {"".join(run.text for run in block.runs) for block in blocks if block.type == "paragraph"}
        paragraphs.append({text.replace(topic, "it") for text in whole})

    shared = [len(one & other) / min(len(one), len(other)) for one, other in combinations(paragraphs, 2)]

    assert len(set(map(frozenset, paragraphs))) == 60
    assert sum(shared) / len(shared) < 0.25


@pytest.mark.parametrize(
    ("source", "topic"),
    [
        ({"type": "product", "text": "p-throw"}, "Wool Throw"),
        (
            {"type": "prompt", "text": "Write a post about storing wool over the summer."},
            "storing wool over the summer",
        ),
        ({"type": "keyword", "text": "  oak\nbowls "}, "oak bowls"),
    ],
)
def test_the_topic_is_taken_from_the_source(order: dict[str, Any], source: dict[str, str], topic: str) -> None:
    assert ordered(order, source=source).topic == topic


@pytest.mark.parametrize("prompt", ["no data", "<data>\n{broken\n</data>", "<data>{}</data>"])
def test_a_prompt_without_an_order_is_told_apart(prompt: str) -> None:
    with pytest.raises(writer.NoOrder):
        writer.Order.from_prompt(prompt)


@pytest.mark.parametrize("language", ["de", "pt", "no", "fil", "zh"])
def test_it_writes_in_the_language_that_is_asked_for(order: dict[str, Any], language: str) -> None:
    english = writer.article(ordered(order))

    written = writer.article(ordered(order, language=language))

    assert written.language == language
    alike = {block.model_dump_json() for block in written.blocks} & {
        block.model_dump_json() for block in english.blocks
    }
    assert alike == set()
