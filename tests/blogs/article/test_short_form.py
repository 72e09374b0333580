"""The short form of an article: what its schema allows is read as the article that it stands for."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from blogs.article import short_form
from blogs.article.repair import Repair, repair_in
from blogs.article.schema import ArticleContent, Button, Image, json_schema, parse_article
from tests.support.blogs.articles import article, bullets, good_blocks, paragraph, product, quote, run, table

IDS = ("7c1d0b6e-0d3c-4b6e-9d3e-0d3c4b6e9d3a", 'a "quoted" id')


def every_kind() -> ArticleContent:
    return article(
        [
            *good_blocks(),
            bullets("Weigh it", "Tap it", ordered=True),
            table(["", "Mug"], ["Weight", "400 g"]),
            paragraph("The ", run("Mug", product_id="mug")),
            product("mug"),
            Image(type="image", product_id="mug", caption="On a table."),
            Button(type="button", product_id="mug", text="See the mug"),
            quote("Warm."),
        ]
    )


def short(written: ArticleContent) -> dict[str, Any]:
    found: dict[str, Any] = short_form.in_short(written.model_dump())
    return found


def test_an_article_in_the_short_form_is_what_the_schema_allows_and_is_read_as_it_was() -> None:
    written = every_kind()

    jsonschema.validate(short(written), json_schema(ArticleContent))

    assert parse_article(json.dumps(short(written))) == written
    assert parse_article(written.model_dump_json()) == written


def test_a_repair_in_the_short_form_is_read_too() -> None:
    head: dict[str, Any] = dict.fromkeys(("title", "meta_title", "meta_description", "excerpt", "tags"))
    blocks = every_kind().model_dump()["blocks"]
    in_full = {**head, "sections": [{"part": "section 1", "blocks": blocks}]}
    in_short = short_form.in_short(json.loads(json.dumps(in_full)))

    jsonschema.validate(in_short, json_schema(Repair))

    assert repair_in(json.dumps(in_short)) == repair_in(json.dumps(in_full))


def test_the_schema_is_shorter_than_the_long_form_by_a_third() -> None:
    def size(schema: Any) -> int:
        return len(json.dumps(schema, separators=(",", ":")))

    assert size(json_schema(ArticleContent)) < 1_850
    assert size(json_schema(Repair)) < 2_000


@pytest.mark.parametrize("blocks", [None, "text", [1], [{"type": ["list"]}], [{"type": "list", "items": "a"}], [{}]])
def test_what_is_no_article_stays_as_it_is(blocks: Any) -> None:
    assert short_form.in_full({"blocks": blocks, "sections": blocks}) == {"blocks": blocks, "sections": blocks}
    assert short_form.in_full(blocks) == blocks


def test_products_have_short_names_in_a_prompt_and_their_ids_in_the_answer() -> None:
    data = {
        "source": {"type": "product", "text": IDS[0]},
        "products": [{"id": IDS[0], "name": IDS[0]}, {"id": IDS[1], "name": "Jug"}],
        "idea": {"sections": [{"product_ids": [IDS[1], "unknown"]}]},
        "blogs": [{"products": [IDS[0]]}],
    }
    ids = short_form.product_ids(data)

    told = short_form.with_names(data, ids)

    assert told["source"] == data["source"]
    assert told["products"] == [{"id": "p1", "name": IDS[0]}, {"id": "p2", "name": "Jug"}]
    assert told["idea"]["sections"][0]["product_ids"] == ["p2", "unknown"]
    assert told["blogs"] == [{"products": ["p1"]}]
    answer = '{"product_ids": ["p2", "p3"], "runs": [{"text": "p1 \\"product_id\\": \\"p1\\"", "product_id":"p1"}]}'
    assert json.loads(short_form.with_ids(answer, ids)) == {
        "product_ids": [IDS[1], "p3"],
        "runs": [{"text": 'p1 "product_id": "p1"', "product_id": IDS[0]}],
    }


@pytest.mark.parametrize("end", ['"product_ids":["p1","p', '"product_id":"p1","text":"', '"product_id":"p'])
def test_an_answer_that_was_cut_has_its_ids_too(end: str) -> None:
    with_ids = short_form.with_ids('{"blocks":[{"product_id":"p1"},{' + end, IDS[:1])

    assert with_ids == ('{"blocks":[{"product_id":"p1"},{' + end).replace('"p1"', f'"{IDS[0]}"')
    assert short_form.with_ids(end, []) == end
