from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given

from blogs.article.ricos import (
    SIZE_MAX,
    ArticleTooLarge,
    has_marker,
    is_space,
    marker_for,
    render,
    size_bytes,
    without_images,
)
from blogs.article.schema import ArticleContent, Block, Image
from tests.support.blogs import ricos_rules
from tests.support.blogs.articles import (
    any_articles,
    any_text,
    article,
    bullets,
    divider,
    heading,
    paragraph,
    product,
    quote,
    run,
    table,
)
from tests.support.blogs.rendering import MARKER, MUG, rendered


def types(document: dict[str, Any]) -> list[str]:
    return [node["type"] for node in shown(document)]


def shown(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The document without the spaces between blocks."""
    return [node for node in document["nodes"] if not is_space(node)]


def sentences(document: dict[str, Any]) -> list[str]:
    return [node["textData"]["text"] for node in ricos_rules.walk(document["nodes"]) if node["type"] == "TEXT"]


@given(any_articles)
def test_any_article_becomes_a_document_that_wix_takes(written: ArticleContent) -> None:
    document = rendered(written)

    ricos_rules.check(document)
    assert document["nodes"][0]["id"] == MARKER
    assert set(ricos_rules.links(document)) <= {MUG.url}


@given(any_articles)
def test_the_same_article_becomes_the_same_document(written: ArticleContent) -> None:
    assert json.dumps(rendered(written)) == json.dumps(rendered(written.model_copy(deep=True)))


@given(any_text, any_text)
def test_whatever_a_shop_calls_its_product_the_document_holds(name: str, alt_text: str) -> None:
    card = dataclasses.replace(MUG, name=name, alt_text=alt_text)

    ricos_rules.check(rendered([product("mug")], {"mug": card}))


def test_every_kind_of_block_has_its_node() -> None:
    blocks: list[Block] = [
        paragraph("a"),
        heading("b"),
        bullets("c"),
        bullets("d", ordered=True),
        quote("e"),
        table(["f"], ["g"]),
        divider(),
    ]

    document = rendered(blocks)

    assert types(document) == [
        "PARAGRAPH",
        "HEADING",
        "BULLETED_LIST",
        "ORDERED_LIST",
        "BLOCKQUOTE",
        "TABLE",
        "DIVIDER",
    ]
    assert sentences(document) == list("abcdefg")


def test_a_run_carries_its_formatting_and_its_link() -> None:
    document = rendered(
        [paragraph("The ", run("blue mug", bold=True, italic=True, product_id="mug"), run(".", product_id="gone"))]
    )

    plain, linked, unknown = (node["textData"] for node in document["nodes"][0]["nodes"])
    assert plain == {"text": "The ", "decorations": []}
    assert linked["decorations"] == [
        {"type": "BOLD", "fontWeightValue": 700},
        {"type": "ITALIC", "italicData": True},
        {"type": "LINK", "linkData": {"link": {"url": MUG.url, "target": "BLANK"}}},
    ]
    assert unknown == {"text": ".", "decorations": []}


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "JavaScript://shop.example/%0aalert(1)",
        "data:text/html,hello",
        "//shop.example/mug",
        "/mug",
        "ftp://shop.example/mug",
        "https://evil.example/mug",
        "https://shop.example.evil.example/mug",
        "https://evilshop.example/mug",
        "https://shop.example@evil.example/mug",
        "https://user:secret@shop.example/mug",
        "https://evil.example\\@shop.example/mug",
        "https://evil.example\t.shop.example/mug",
        "https://shop.example/mug\n",
        " https://shop.example/mug",
        "https://shop.example/\u202egum",
        "https://[shop.example/mug",
        "https:///mug",
    ],
)
def test_a_link_that_leaves_the_shop_stays_plain_text(url: str | None) -> None:
    document = rendered(
        [paragraph(run("mug", product_id="mug")), product("mug")], {"mug": dataclasses.replace(MUG, url=url)}
    )

    assert ricos_rules.links(document) == []
    assert "mug" in sentences(document)
    assert "BUTTON" not in types(document)


@pytest.mark.parametrize(
    "url", ["https://shop.example", "HTTPS://SHOP.example/mug", "http://shop.example:8000/マグ?q=a%20b#c"]
)
def test_a_link_into_the_shop_stays_as_the_shop_gave_it(url: str) -> None:
    document = rendered([paragraph(run("mug", product_id="mug"))], {"mug": dataclasses.replace(MUG, url=url)})

    assert ricos_rules.links(document) == [url]


def test_a_product_is_shown_with_name_picture_pitch_and_button() -> None:
    document = rendered([product("mug", "Keeps its heat.")])

    name, picture, pitch, button = shown(document)
    assert (name["headingData"]["level"], name["id"], types(document)[1:]) == (
        3,
        MARKER,
        ["IMAGE", "PARAGRAPH", "BUTTON"],
    )
    assert picture["imageData"]["image"] == {"src": {"id": "a_b~mv2.jpg"}, "width": 900, "height": 600}
    assert picture["imageData"]["altText"] == "A blue mug on a table"
    assert pitch["nodes"][0]["textData"]["text"] == "Keeps its heat."
    assert (button["buttonData"]["text"], button["buttonData"]["link"]["url"]) == ("Blue mug", MUG.url)


@pytest.mark.parametrize(
    "changes",
    [
        {"image_id": None},
        {"image_width": None},
        {"image_height": 0},
        {"image_id": "wix:image://v1/a_b~mv2.jpg/x"},
        {"image_id": "https://elsewhere.example/a.jpg"},
    ],
)
def test_a_picture_that_wix_could_not_show_is_left_out(changes: dict[str, Any]) -> None:
    assert types(rendered([product("mug")], {"mug": dataclasses.replace(MUG, **changes)})) == [
        "HEADING",
        "PARAGRAPH",
        "BUTTON",
    ]


def test_a_product_the_shop_no_longer_has_leaves_only_its_pitch() -> None:
    document = rendered([product("gone", "Keeps its heat.")])

    assert types(document) == ["PARAGRAPH"]
    assert sentences(document) == ["Keeps its heat."]


def test_an_odd_row_of_a_table_gets_the_width_of_the_header() -> None:
    document = rendered([table(["", "Mug"], ["Size"], ["Weight", "400 g", "too much"])])

    ricos_rules.check(document)
    assert sentences(document) == ["Mug", "Size", "Weight", "400 g"]
    assert [len(row["nodes"]) for row in document["nodes"][0]["nodes"]] == [2, 2, 2]


def test_an_article_of_nothing_still_carries_its_marker() -> None:
    document = rendered([])

    ricos_rules.check(document)
    assert has_marker(document, MARKER)


def test_a_marker_belongs_to_one_blog_of_one_installation() -> None:
    markers = {marker_for(blog, secret) for blog in (1, 2, 12) for secret in ("ours", "theirs")}

    assert len(markers) == 6
    assert marker_for(1, "ours") in markers
    assert all(re.fullmatch("[A-Za-z][-_A-Za-z0-9]*", marker) for marker in markers)


def test_a_marker_is_found_wherever_the_owner_moved_it() -> None:
    document = rendered([paragraph("a"), paragraph("b")])
    document["nodes"].insert(0, {"type": "DIVIDER", "id": "new"})

    assert has_marker(document, MARKER)
    assert not has_marker(document, marker_for(8, "secret"))


@pytest.mark.parametrize(
    "document", [{}, {"nodes": None}, {"nodes": {}}, {"nodes": ["text", None, {"type": "DIVIDER"}]}]
)
def test_a_document_of_another_shape_has_no_marker(document: dict[str, Any]) -> None:
    assert not has_marker(document, MARKER)


def test_size_is_counted_in_bytes() -> None:
    assert size_bytes({"a": "é漢"}) == len('{"a":"é漢"}'.encode())


def test_an_article_that_fits_only_just_is_taken_and_one_byte_more_is_not() -> None:
    frame = size_bytes(rendered([paragraph("a")])) - 1

    assert size_bytes(rendered([paragraph("a" * (SIZE_MAX - frame))])) == SIZE_MAX
    with pytest.raises(ArticleTooLarge, match="400,001 bytes"):
        rendered([paragraph("a" * (SIZE_MAX - frame + 1))])


def test_an_empty_paragraph_stands_between_blocks_and_nowhere_else() -> None:
    document = rendered([paragraph("a"), heading("b"), bullets("c"), product("mug"), paragraph("d")])

    spaces = [is_space(node) for node in document["nodes"]]
    assert spaces == [bool(number % 2) for number in range(len(spaces))]
    assert len(spaces) == 2 * 8 - 1


def test_a_caption_stands_right_below_its_photo() -> None:
    photo = Image(type="image", product_id="mug", caption="A mug on a table.")

    document = rendered([paragraph("a"), photo, paragraph("b")])

    assert [node["type"] if not is_space(node) else "" for node in document["nodes"]] == [
        "PARAGRAPH", "", "IMAGE", "PARAGRAPH", "", "PARAGRAPH",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "blocks", [[product("mug"), paragraph("b")], [paragraph("a"), Image(type="image", product_id="mug", caption="")]]
)
def test_where_images_are_left_out_their_space_is_too(blocks: list[Block]) -> None:
    kept = without_images(rendered([Image(type="image", product_id="mug", caption=""), *blocks]))

    spaces = [is_space(node) for node in kept["nodes"]]
    assert spaces == [bool(number % 2) for number in range(len(spaces))]
    assert kept["nodes"][0]["id"] == MARKER
    assert "IMAGE" not in types(kept)


def test_links_to_other_posts_stand_at_the_end_and_lead_to_the_shop_alone() -> None:
    posts = [("Care for mugs", "https://shop.example/post/care"), ("Elsewhere", "https://evil.example/post")]

    document = render(
        article([paragraph("a")]), marker=MARKER, products={}, allowed_hosts=["shop.example"], related=posts
    )

    assert types(document) == ["PARAGRAPH", "HEADING", "BULLETED_LIST"]
    assert ricos_rules.links(document) == ["https://shop.example/post/care"]
    assert sentences(document)[1:] == ["Read also", "Care for mugs"]


def test_in_a_language_of_which_we_know_no_words_a_line_stands_above_them() -> None:
    written = article([paragraph("a")], language="eo")
    posts = [("Prizorgo de tasoj", "https://shop.example/post/care")]

    document = render(written, marker=MARKER, products={}, allowed_hosts=["shop.example"], related=posts)

    assert types(document) == ["PARAGRAPH", "DIVIDER", "BULLETED_LIST"]
