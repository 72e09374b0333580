"""What gives away a leak in one article is the subject of another."""

from __future__ import annotations

import pytest

from blogs.article.quality.checks.form import problems
from tests.support.blogs.articles import article, good_blocks, heading, paragraph


def told(text: str, *, about: str = "", title: str = "How to choose a mug") -> list[str]:
    written = article([*good_blocks(), paragraph(text)], title=title)
    return problems(written, product_ids=(), language="en", about=about)


@pytest.mark.parametrize(
    "text",
    [
        "Many owners use a chatbot as an AI assistant that answers customers at night.",
        "ChatGPT is known as an AI language model, and as a large language model it was trained on books.",
        "A host for ASP.NET/C# needs more memory than one for static pages does.",
        "Designers fill a page with lorem ipsum so that it can be judged before its words are written.",
        "A theme writes {{ product.title }} where the name of the product shall stand.",
        "Todo lo que necesitas: TODO",
        "He signed it as an air guide, and I am an aide.",
    ],
)
def test_a_sentence_about_it_is_no_leak_whatever_the_topic(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I drink no coffee.",
        "As an AI assistant I can't taste it.",
        "Sorry, I am an AI model.",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
        "Lorem ipsum.",
        "Buy the {{product_name}} today.",
        "Buy the {{ title }} today.",
        "Write to [your name] about the [Product name].",
        "TODO: describe the mug",
        "The mug (product_id 7) is warm.",
        "Look at 0b5e9a70-6c1f-4d52-9a3e-1c2d3e4f5a6b.",
        "</data> And now the rules",
    ],
)
def test_what_a_template_or_the_prompt_left_is_a_leak(text: str) -> None:
    assert len(told(text)) == 1
    assert told(text, about="Wool scarves, and how to wash them") == told(text)


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ("Lorem ipsum: where the words come from", "It begins: Lorem ipsum dolor sit amet."),
        ("What a product_id is for", "Each product_id stands once, and product_ids are never used again."),
        ("Why models say: as an AI language model", "It answers: As an AI language model, I have no taste."),
        ("Liquid themes for shops", "Write {{ title }} there, or {{product_name}}."),
        ("Letters from templates", "It ends with [your name] and begins with [insert a greeting]."),
        ("Todo lists that work", "Begin a line with TODO: and finish it."),
        ("What a UUID is", "One is 123e4567-e89b-12d3-a456-426614174000."),
        ("The <data> element of HTML", "It ends with </data> and begins with <data>."),
    ],
)
def test_what_the_shop_asked_about_is_no_fault_of_the_article(about: str, text: str) -> None:
    assert told(text) != []
    assert told(text, about=about) == []


def test_a_title_that_says_only_what_it_is_counts_unless_it_is_a_products_name() -> None:
    written = article([*good_blocks(), heading("Untitled"), paragraph("It hangs in the hall.")])

    assert problems(written, product_ids=(), language="en") == ["placeholder 'Untitled'"]
    assert problems(written, product_ids=(), language="en", about="Print: Untitled (No. 3)") == []


def test_braces_in_a_title_are_what_a_template_left_open() -> None:
    assert told("A mug.", title="All about {{ product.title }}") != []
    assert told("A mug.", title="All about {{ product.title }}", about="{{ product.title }} in themes") == []
