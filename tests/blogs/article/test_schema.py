from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from blogs.article.schema import (
    ArticleContent,
    Idea,
    InvalidArticle,
    json_schema,
    parse_article,
    parse_idea,
    word_count,
)
from tests.support.blogs.articles import (
    article,
    divider,
    good_blocks,
    heading,
    paragraph,
    product,
    quote,
    run,
    table,
)

STRICT_KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "$ref", "$defs"}


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    for part in [*named, *schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        yield from subschemas(part)


def depth(schema: dict[str, Any], definitions: dict[str, Any]) -> int:
    if "$ref" in schema:
        return depth(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    below = [
        *schema.get("properties", {}).values(),
        *schema.get("anyOf", []),
        *([schema["items"]] if "items" in schema else []),
    ]
    return (schema.get("type") == "object") + max((depth(part, definitions) for part in below), default=0)


@pytest.mark.parametrize("model", [Idea, ArticleContent])
def test_the_schema_keeps_to_what_strict_mode_knows(model: type[BaseModel]) -> None:
    schema = json_schema(model)

    assert schema["type"] == "object"
    for part in subschemas(schema):
        assert set(part) <= STRICT_KEYWORDS
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        if "$ref" in part:
            assert set(part) == {"$ref"}
            assert part["$ref"].removeprefix("#/$defs/") in schema["$defs"]
    assert depth(schema, schema.get("$defs", {})) <= 5


def test_the_schema_still_names_every_field_and_kind_of_block_but_the_divider() -> None:
    schema = json_schema(ArticleContent)
    blocks = schema["properties"]["blocks"]["items"]["anyOf"]
    kinds = [block["properties"]["type"]["enum"] for block in blocks]

    assert list(schema["properties"]) == list(ArticleContent.model_fields)
    assert kinds == [["heading"], ["paragraph", "quote"], ["list"], ["table"], ["product", "image", "button"]]
    assert blocks[0]["properties"]["type"] == {"type": "string", "enum": ["heading"]}
    assert schema["$defs"]["Run"]["properties"]["product_id"] == {"type": ["string", "null"]}


def test_a_written_article_comes_back_whole() -> None:
    written = article(
        [*good_blocks(), table(["", "Mug"], ["Weight", "400 g"]), product("mug"), divider(), quote("Warm.")]
    )

    assert parse_article(written.model_dump_json()) == written


@pytest.mark.parametrize("text", ["", "[]", "null", '{"title": "cut off', "I'm sorry, I can't help with that."])
def test_an_answer_that_is_no_article_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidArticle) as refused:
        parse_article(text)

    assert refused.value.problems
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_refusal_says_where_the_fault_is() -> None:
    written = article().model_dump()
    del written["blocks"][0]["runs"][0]["bold"]
    written["blocks"][1]["level"] = 1

    with pytest.raises(InvalidArticle) as refused:
        parse_article(json.dumps(written))

    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "blocks.0.paragraph.runs.0.bold",
        "blocks.1.heading.level",
    ]


def test_a_field_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(InvalidArticle, match="html"):
        parse_article(json.dumps({**article().model_dump(), "html": "<p>"}))


def test_a_nul_never_gets_as_far_as_the_database() -> None:
    written = parse_article(article(title="Mugs\0 and \u200bcups").model_dump_json().replace("Mugs", "Mu\\u0000gs"))

    assert written.title == "Mugs and cups"


def idea_json(**changes: Any) -> str:
    section = {"heading": "Thick or thin", "purpose": "Choose by weight.", "product_ids": []}
    parts = {"title": "Mugs", "angle": "By weight", "audience": "Coffee drinkers", "image_alt_text": "A mug"}
    return json.dumps({**parts, "image_prompt": "A mug on a table", "sections": [section], **changes})


def test_an_idea_is_read() -> None:
    assert parse_idea(idea_json()).sections[0].heading == "Thick or thin"


@pytest.mark.parametrize("changes", [{"title": " "}, {"image_prompt": ""}, {"sections": []}])
def test_an_idea_without_its_parts_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidArticle):
        parse_idea(idea_json(**changes))


def test_words_are_counted_in_the_body_only_and_chinese_by_two_characters() -> None:
    assert (
        word_count(article([heading("Two words"), paragraph("a ", run("b", bold=True), " – c"), table(["d"], ["e"])]))
        == 7
    )
    assert word_count(article([paragraph("陶器の選び方")])) == 3
