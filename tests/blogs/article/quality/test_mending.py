"""What code can mend costs no blog another answer."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given

from blogs.article.quality.checks.form import problems
from blogs.article.quality.mends.mending import mended
from blogs.article.quality.mends.shape import article_in, idea_in
from blogs.article.schema import ArticleContent, Block, Button, Heading, Idea, Image, InvalidArticle, Table
from tests.support.blogs.articles import (
    SENTENCE,
    any_articles,
    article,
    bullets,
    good_blocks,
    heading,
    paragraph,
    product,
    quote,
    run,
    table,
)

OUTLINE = "Mugs that stay warm"


def mend(written: ArticleContent, *product_ids: str) -> ArticleContent:
    return mended(written, product_ids=product_ids or ("mug",), title=OUTLINE)


def left(written: ArticleContent) -> list[str]:
    return problems(written, product_ids=("mug",), language="en")


def behind_the_good_ones(written: ArticleContent) -> list[Block]:
    return written.blocks[len(good_blocks()) :]


@pytest.mark.parametrize(
    "block",
    [
        table(["a", "b"], ["x", "y", "z"]),
        table(["a"], ["x", "y"], ["z"]),
        table([], ["x", "y"]),
        table(["", ""], ["x", "y"]),
        table(["a", "b"]),
        table([]),
        heading(" "),
        heading("Heading 2"),
        product("mug", pitch=""),
        product("mug", pitch="See www.evil.example"),
        Image(type="image", product_id="mug", caption="[Insert caption]"),
        Button(type="button", product_id="mug", text="www.evil.example"),
        Button(type="button", product_id="mug", text=" "),
        product("cup"),
        product("cup", pitch=""),
        paragraph(run("This cup", product_id="cup"), " keeps warm."),
        quote(" "),
        bullets("", "One"),
        bullets(),
        paragraph(),
        heading("Glaze", level=4),
    ],
)
def test_a_block_that_breaks_a_rule_is_mended(block: Block) -> None:
    written = article([*good_blocks(), block])

    assert left(written) != []
    assert left(mend(written)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"title": " "},
        {"title": "Untitled"},
        {"meta_title": ""},
        {"meta_title": "Blog Title"},
        {"meta_description": ""},
        {"meta_description": "Mugs."},
        {"excerpt": ""},
        {"excerpt": "", "meta_description": "", "meta_title": ""},
        {
            "excerpt": "More at https://evil.example",
            "meta_description": "As an AI language model, I " + "drink tea " * 9,
        },
        {"meta_title": "[Your shop]", "tags": ["mugs", "evil.example/x", "{{ tag }}"]},
        {"title": "a" * 300, "excerpt": "word " * 100, "meta_title": "b " * 90, "meta_description": "c d " * 90},
    ],
)
def test_a_part_around_the_body_is_taken_from_another(changes: dict[str, Any]) -> None:
    written = article().model_copy(update=changes)

    assert left(written) != []
    assert left(mend(written)) == []


def test_a_ragged_table_keeps_all_that_it_says() -> None:
    mug = table(["", "Mug"], ["Weight", "400 g", "heavy"], [], ["Glaze"])

    [mended_table] = behind_the_good_ones(mend(article([*good_blocks(), mug])))

    assert mended_table == table(["", "Mug", ""], ["Weight", "400 g", "heavy"], ["Glaze", "", ""])


def test_a_row_that_a_writer_broke_off_behind_its_name_is_refused() -> None:
    written = article([*good_blocks(), table(["Year", "Crops"], ["First", "Tomatoes"], ["Second"])])

    assert left(mend(written)) == ["block 5: a row of the table has a name and says nothing of it"]


def test_a_header_that_lacks_its_corner_gets_one() -> None:
    sizes = table(["S", "M", "L"], ["Chest", "90", "96", "102"], ["Length", "70", "72", "74"])

    [mended_table] = behind_the_good_ones(mend(article([*good_blocks(), sizes])))

    assert mended_table == table(["", "S", "M", "L"], ["Chest", "90", "96", "102"], ["Length", "70", "72", "74"])


def test_a_table_that_would_grow_beyond_all_bounds_is_refused_as_it_is() -> None:
    """One wide row among thousands of narrow ones: filled up, 55 KB became seven million cells."""
    wide = article([*good_blocks(), table(["a"], *[["x"]] * 2_600, ["y"] * 2_600)])
    began = time.thread_time()

    assert any("not as wide as its header" in told for told in left(mend(wide)))
    assert time.thread_time() - began < 2


def test_a_table_without_a_header_gets_its_first_row_and_no_empty_columns() -> None:
    [mended_table] = behind_the_good_ones(
        mend(article([*good_blocks(), table(["", ""], ["a", "", "b"], ["c", "", "d"])]))
    )

    assert mended_table == table(["a", "b"], ["c", "d"])


def test_a_link_to_a_product_that_the_shop_lacks_becomes_plain_text_and_its_card_goes() -> None:
    written = article([*good_blocks(), paragraph("See ", run("this cup", product_id="cup")), product("cup")])

    assert behind_the_good_ones(mend(written)) == [paragraph("See ", run("this cup"))]


def test_an_id_in_other_letters_is_the_product() -> None:
    written = article([*good_blocks(), product(" MUG ")])

    assert behind_the_good_ones(mend(written)) == [product("mug")]


def test_a_heading_goes_without_leaving_a_level_out() -> None:
    written = article([*good_blocks(), heading("Heading 1", 2), heading("Untitled", 3), heading("Glaze", 4)])

    assert [block.level for block in mend(written).blocks if isinstance(block, Heading)] == [2, 3]


def test_a_good_article_stays_as_it_is() -> None:
    written = article([*good_blocks(), table(["", "Mug"], ["Weight", "400 g"]), product("mug")])

    assert mend(written) == written


@pytest.mark.parametrize(
    "written",
    [
        article([paragraph("Short.")] * 5),
        article([paragraph(SENTENCE * 10)]),
        article(language="de"),
        article([*good_blocks(), paragraph("See https://evil.example")]),
    ],
)
def test_what_only_a_writer_can_mend_is_left_to_be_judged(written: ArticleContent) -> None:
    assert left(mend(written)) != []


@given(any_articles)
def test_mending_twice_changes_nothing_more_and_leaves_nothing_that_it_mends(written: ArticleContent) -> None:
    once = mend(written)

    assert mend(once) == once
    mends = ("empty part", "not as wide", "heading level", "unknown product", "placeholder 'Untitled'", "longer than")
    assert not [told for told in left(once) if any(words in told for words in mends)]
    assert all(
        len({len(block.header), *(len(row.cells) for row in block.rows)}) == 1
        for block in once.blocks
        if isinstance(block, Table)
    )


def answer(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(article().model_dump_json())
    return {**document, **changes}


def read(document: Any) -> ArticleContent:
    return mended(article_in(json.dumps(document)), product_ids=("mug",), title=OUTLINE)


def blocks() -> list[Any]:
    return answer()["blocks"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "document",
    [
        answer(html="<p>", notes=None),
        {name: value for name, value in answer().items() if name not in ("slug", "tags", "excerpt", "meta_title")},
        answer(tags=None, slug=None, title=None),
        answer(blocks=[*blocks(), {"type": "heading", "level": 1, "text": "Glaze"}]),
        answer(blocks=[*blocks(), {"type": "heading", "level": "2", "text": "Glaze"}]),
        answer(blocks=[*blocks(), {"type": "heading", "text": "Glaze"}]),
        answer(blocks=[*blocks(), {"type": "video", "url": "x"}]),
        answer(blocks=[*blocks(), "Some more."]),
        answer(blocks=[*blocks(), {"type": "paragraph", "text": "Some more."}]),
        answer(blocks=[*blocks(), {"type": "paragraph", "runs": "Some more."}]),
        answer(blocks=[*blocks(), {"type": "paragraph", "runs": [{"text": "Some more."}]}]),
        answer(blocks=[*blocks(), {"type": "list", "items": ["One", "Two"]}]),
        answer(blocks=[*blocks(), {"type": "table", "header": ["a", "b"], "rows": [["c", 4], ["d", 5]]}]),
        answer(blocks=[*blocks(), {"type": "quote", "quote": "x", "runs": [{"text": "Warm.", "bold": None}]}]),
        answer(blocks=[*blocks(), {"type": "product", "product_id": "mug", "pitch": None}]),
    ],
)
def test_an_answer_that_is_an_article_in_another_shape_is_read(document: Any) -> None:
    assert left(read(document)) == []


def test_what_stands_bare_is_kept() -> None:
    said = read(answer(blocks=[*blocks(), "More.", {"type": "list", "items": ["One", "Two"]}]))

    assert behind_the_good_ones(said) == [paragraph("More."), bullets("One", "Two")]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "7", '"no"', '{"title": "cut off', "{}", '{"blocks": 3}', "[" * 100_000]
)
def test_an_answer_that_is_no_article_is_refused(text: str) -> None:
    with pytest.raises(InvalidArticle):
        article_in(text)
    with pytest.raises(InvalidArticle):
        idea_in(text, topic="mugs")


def outline(**changes: Any) -> str:
    section = {"heading": "Thick or thin", "purpose": "Choose by weight.", "product_ids": []}
    parts = {"title": "Mugs", "angle": "By weight", "audience": "Coffee drinkers", "image_alt_text": "A mug"}
    return json.dumps(
        {**parts, "image_prompt": "A mug on a table", "sections": [section, {**section, "heading": " "}], **changes}
    )


@pytest.mark.parametrize(
    "changes", [{}, {"title": " "}, {"image_prompt": ""}, {"title": None, "angle": None}, {"more": 1}]
)
def test_an_outline_gets_the_parts_that_it_lacks(changes: dict[str, Any]) -> None:
    found: Idea = idea_in(outline(**changes), topic="warm mugs")

    assert found.title in ("Mugs", "warm mugs")
    assert found.image_prompt
    assert [section.heading for section in found.sections] == ["Thick or thin"]


def test_an_outline_without_any_section_is_refused() -> None:
    with pytest.raises(InvalidArticle):
        idea_in(outline(sections=[]), topic="mugs")


@pytest.mark.parametrize(
    "block", [1, "x", {"type": "odd"}, {"type": "paragraph", "runs": None}, {"type": "list", "items": "x"}]
)
def test_an_answer_of_nothing_but_faults_is_no_article_and_takes_no_long_look(block: Any) -> None:
    """Each of some ten thousand was mended by itself, in quadratic time: a megabyte of them took hours."""
    answer = {**json.loads(article(good_blocks()).model_dump_json()), "blocks": [block] * 60_000}
    text = json.dumps(answer)
    began = time.process_time()

    with pytest.raises(InvalidArticle, match="faults"):
        article_in(text)

    assert time.process_time() - began < 3
