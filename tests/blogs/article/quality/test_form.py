from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from blogs.article.quality.checks.form import problems
from blogs.article.quality.mends.tidying import tidied
from blogs.article.schema import ArticleContent, Block, Heading, Paragraph, joined, parse_article
from tests.support.blogs.articles import (
    any_articles,
    article,
    bullets,
    divider,
    good_blocks,
    heading,
    paragraph,
    product,
    quote,
    run,
    table,
)


def found(written: ArticleContent, product_ids: tuple[str, ...] = ("mug",), language: str = "en") -> list[str]:
    return problems(written, product_ids=product_ids, language=language)


def test_a_good_article_has_no_problems() -> None:
    assert found(article([*good_blocks(), product("mug"), table(["", "Mug"], ["Weight", "400 g"]), divider()])) == []


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (product("cup"), "unknown product id 'cup'"),
        (paragraph(run("This cup", product_id="cup")), "unknown product id 'cup'"),
        (paragraph("See ht", run("tps://evil.example", bold=True)), "address 'https://evil.example'"),
        (quote("Write to us@shop.example today"), "address 'us@shop.example'"),
        (paragraph("詳しくはwww.shop.example"), "address 'www.shop.example'"),
        (paragraph("More at shop.com/mugs"), "address 'shop.com/mugs'"),
        (paragraph("Write MAILTO:us"), "address 'MAILTO:us'"),
        (table(["[Product name]"], ["x"]), "placeholder '[Product name]'"),
        (paragraph("TODO: describe the mug"), "placeholder 'TODO:'"),
        (heading("Blog Title"), "placeholder 'Blog Title'"),
        (paragraph("As an AI language model, I drink no coffee"), "text of the prompt 'As an AI language model, I'"),
        (
            paragraph("Look at 0b5e9a70-6c1f-4d52-9a3e-1c2d3e4f5a6b"),
            "text of the prompt '0b5e9a70-6c1f-4d52-9a3e-1c2d3e4f5a6b'",
        ),
        (paragraph(" "), "block 5 (paragraph) has an empty part"),
        (bullets("One", ""), "block 5 (list) has an empty part"),
        (table([], ["x"]), "block 5 (table) has an empty part"),
        (product("mug", pitch=""), "block 5 (product) has an empty part"),
        (heading("Glaze", level=4), "block 5: heading level 4 follows level 2"),
        (table(["a", "b"], ["x"]), "block 5: a row of the table is not as wide as its header"),
    ],
)
def test_what_is_wrong_in_a_block_is_named(block: Block, problem: str) -> None:
    assert any(told.startswith(problem) for told in found(article([*good_blocks(), block])))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"title": "  "}, "title is empty"),
        ({"excerpt": ""}, "excerpt is empty"),
        ({"title": "a" * 101}, "title is longer than 100 characters"),
        ({"meta_description": "Mugs."}, "meta_description is shorter than 70 characters"),
        ({"meta_title": "Untitled"}, "placeholder 'Untitled'"),
        ({"language": "de"}, "written in 'de', not in 'en'"),
        ({"blocks": [paragraph("Short.")]}, "1 blocks, at least 4 are needed"),
        ({"blocks": [paragraph("Short.")] * 5}, "5 words, at least 120 are needed"),
    ],
)
def test_what_is_wrong_with_the_whole_is_named(changes: dict[str, Any], problem: str) -> None:
    assert problem in found(article().model_copy(update=changes))


@pytest.mark.parametrize(
    "text", ["Todo lo que necesitas: TODO", "JavaScript: the good parts", "Send @mug a note", "at 8:30", "1/2 l"]
)
def test_ordinary_words_are_no_problem(text: str) -> None:
    assert found(article([*good_blocks(), paragraph(text)])) == []


@pytest.mark.parametrize(
    ("written", "wanted", "same"),
    [
        ("en-GB", "en", True),
        ("EN", "en-us", True),
        ("pt_BR", "pt", True),
        ("iw", "he", True),
        ("nb-NO", "no", True),
        ("fil", "tl", True),
        ("deu", "de", True),
        ("cmn-Hant", "zh-TW", True),
        ("de", "en", False),
        ("English", "en", False),
    ],
)
def test_a_language_is_compared_by_its_first_part(written: str, wanted: str, same: bool) -> None:
    assert (found(article(language=written), language=wanted) == []) is same


def test_tidying_shortens_at_a_word_and_leaves_no_comma() -> None:
    tidy = tidied(article(meta_title="Mugs " * 13 + "and, unbelievably long saucers"))

    assert tidy.meta_title == "Mugs " * 13 + "and"


def test_tidying_cleans_the_parts_around_the_body() -> None:
    tidy = tidied(
        article(
            title=" Mugs\n and\u200b  cups ",
            slug="/Blog/Über Tassen!",
            tags=["#Mugs", "mugs", " ", "Cups", *"abcdefgh"],
        )
    )

    assert (tidy.title, tidy.slug) == ("Mugs and cups", "blog-uber-tassen")
    assert tidy.tags == ["Mugs", "Cups", "a", "b", "c", "d", "e", "f"]


def test_tidying_makes_two_paragraphs_where_a_blank_line_stood() -> None:
    tidy = tidied(
        article([paragraph(run("One\nline. ", bold=True), "Same.\n \nNext ", run(" one.", italic=True), "\n")])
    )

    assert tidy.blocks == [
        paragraph(run("One line. ", bold=True), "Same."),
        paragraph("Next ", run("one.", italic=True)),
    ]


def test_tidying_drops_blocks_that_say_nothing() -> None:
    tidy = tidied(article([paragraph("\u200b "), bullets("", "\xa0"), quote(""), paragraph(), bullets("One", " ")]))

    assert tidy.blocks == [bullets("One")]


def test_tidying_leaves_no_heading_level_out() -> None:
    tidy = tidied(article([heading("a", 4), heading("b", 4), heading("c", 2), heading("d", 4)]))

    assert [block.level for block in tidy.blocks if isinstance(block, Heading)] == [2, 3, 2, 3]


@given(any_articles)
def test_tidying_twice_changes_nothing_more(written: ArticleContent) -> None:
    once = tidied(written)

    assert tidied(once) == once


@given(any_articles)
def test_any_tidied_article_passes_the_schema_and_keeps_its_limits(written: ArticleContent) -> None:
    tidy = tidied(written)

    assert parse_article(tidy.model_dump_json()) == tidy
    assert not [told for told in found(tidy) if "longer than" in told or "heading level" in told]
    for block in tidy.blocks:
        if isinstance(block, Paragraph):
            assert joined(block.runs).strip()
            assert not any(char in "\n\r\0\u2028" for char in joined(block.runs))
