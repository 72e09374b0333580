from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from wix.catalog import words
from wix.catalog.product import from_v1, from_v3, plain
from wix.writing_systems import shortened
from workers.errors import TransientError

V1: dict[str, Any] = {
    "id": "p-1",
    "name": "Merino Scarf",
    "visible": True,
    "description": "<p>Soft &amp; warm.</p>",
    "stock": {"inventoryStatus": "PARTIALLY_OUT_OF_STOCK"},
    "priceData": {"currency": "EUR", "price": 49.9, "discountedPrice": 39.9},
    "productPageUrl": {"base": "https://shop.example/", "path": "/product-page/scarf"},
    "media": {
        "mainMedia": {"mediaType": "image", "id": "a~mv2.jpg", "image": {"url": "https://x.example/a", "width": 9, "height": 8}},
        "items": [
            {"mediaType": "image", "id": "a~mv2.jpg", "image": {"url": "https://x.example/a", "width": 9, "height": 8}},
            {"mediaType": "video", "id": "v", "video": {}},
            {"mediaType": "image", "id": "b~mv2.jpg", "image": {"altText": "From <b>behind</b>"}},
        ],
    },
    "brand": "Wool & Co",
    "ribbon": "New",
    "productOptions": [{"name": "Color", "choices": [
        {"value": "#ff0000", "description": "Red"}, {"value": "#0000ff", "description": "Blue", "visible": False},
    ]}],
    "collectionIds": ["winter"],
}  # fmt: skip
V3: dict[str, Any] = {
    "id": "p-1",
    "name": "Merino Scarf",
    "visible": True,
    "plainDescription": "<p>Soft &amp; warm.</p>",
    "inventory": {"availabilityStatus": "PARTIALLY_OUT_OF_STOCK"},
    "currency": "EUR",
    "actualPriceRange": {"minValue": {"amount": "39.9"}},
    "url": {"relativePath": "/product-page/scarf", "url": "https://shop.example/product-page/scarf"},
    "media": {
        "main": {"mediaType": "IMAGE", "image": {"id": "a~mv2.jpg", "url": "https://x.example/a", "width": 9, "height": 8}},
        "itemsInfo": {"items": [
            {"mediaType": "IMAGE", "image": {"id": "a~mv2.jpg", "url": "https://x.example/a", "width": 9, "height": 8}},
            {"mediaType": "VIDEO", "video": {}},
            {"mediaType": "IMAGE", "id": "b~mv2.jpg", "altText": "From <b>behind</b>", "image": {"url": "javascript:alert(1)"}},
        ]},
    },
    "brand": {"id": "b", "name": "Wool & Co"},
    "ribbon": {"id": "r", "name": "New"},
    "options": [{"name": "Color", "choicesSettings": {"choices": [
        {"name": "Red", "colorCode": "#ff0000"}, {"name": "Blue", "visible": False},
    ]}}],
    "allCategoriesInfo": {"categories": [{"id": "winter", "index": 1}]},
}  # fmt: skip
BOTH = pytest.mark.parametrize(("read", "raw"), [(from_v1, V1), (from_v3, V3)], ids=["v1", "v3"])


@BOTH
def test_both_catalogs_come_to_the_same(read: Any, raw: dict[str, Any]) -> None:
    product = read(raw)

    assert (product.price, product.collection_ids, product.visible) == (Decimal("39.9"), ("winter",), True)
    image = {"id": "a~mv2.jpg", "width": 9, "height": 8, "alt": "", "url": "https://x.example/a"}
    assert json.loads(json.dumps(product.as_dict())) == {
        "id": "p-1",
        "name": "Merino Scarf",
        "text": "Soft & warm.",
        "price": "39.9",
        "currency": "EUR",
        "url": "https://shop.example/product-page/scarf",
        "images": [image, {"id": "b~mv2.jpg", "width": None, "height": None, "alt": "From behind", "url": None}],
        "image_id": "a~mv2.jpg",
        "image_width": 9,
        "image_height": 8,
        "in_stock": True,
        "brand": "Wool & Co",
        "options": [{"name": "Color", "choices": ["Red"]}],
        "ribbon": "New",
    }


@BOTH
def test_whatever_is_missing_or_of_another_type_is_left_out(read: Any, raw: dict[str, Any]) -> None:
    for nonsense in (
        None,
        7,
        "x",
        [],
        {},
        [None],
        {"items": 3, "main": 4, "minValue": 5, "price": "?", "base": 6, "path": 1},
    ):
        product = read({**dict.fromkeys(raw, nonsense), "id": "p-1"})

        assert (product.id, product.images, product.price, product.url) == ("p-1", (), None, None)
    with pytest.raises(TransientError):
        read({})


@BOTH
@pytest.mark.parametrize(
    ("field", "value", "gone"),
    [
        ("priceData", {"price": 0}, Decimal(0)),
        ("actualPriceRange", {"minValue": {"amount": "0"}}, Decimal(0)),
        ("priceData", {"price": float("nan"), "discountedPrice": -1}, None),
        ("actualPriceRange", {"minValue": {"amount": "many"}}, None),
    ],
)
def test_free_of_charge_is_a_price_and_nonsense_is_none(read: Any, raw: Any, field: str, value: Any, gone: Any) -> None:
    if field in raw:
        assert read({**raw, field: value}).price == gone


@BOTH
@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//shop.example/x", "https://", "http://[", "https://a b.example", "x" * 2000]
)
def test_only_web_pages_are_linked(read: Any, raw: dict[str, Any], address: str) -> None:
    assert read({**raw, "url": {"url": address}, "productPageUrl": {"base": address, "path": ""}}).url is None


@BOTH
def test_hidden_is_hidden(read: Any, raw: dict[str, Any]) -> None:
    assert not read({**raw, "visible": False}).visible


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>two<br/>three</p>", "One two three"),
        ("5 &lt; 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("a<script>alert('x<b')</script>b<STYLE type=x>p{}</style >c", "abc"),
        ("a<script>never closed", "a"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "alert(1)"),
        ("<img src=x onerror=alert(1)>&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("zero\u200bwidth \u202ertl\u202c soft\xadhyphen \ud800 \x00 \ue000nul", "zerowidth rtl softhyphen nul"),
        ("שלום <b>עולם</b> 👩\u200d👩\u200d👧 نمی\u200cشود", "שלום עולם 👩\u200d👩\u200d👧 نمی\u200cشود"),
        ("<" * 5_000, "<" * 5_000),
        (None, ""),
        (12, ""),
    ],
)
def test_markup_becomes_plain_text(markup: Any, text: str) -> None:
    assert plain(markup) == text


@pytest.mark.parametrize("unit", ["<script", "<", "<a ", "&lt;", "</script><script>", "<!--"])
def test_no_text_takes_long_to_read(unit: str) -> None:
    began = time.process_time()

    plain(unit * (20_000 // len(unit)))

    assert time.process_time() - began < 0.5


def test_long_texts_are_cut_at_a_word_or_where_there_are_none_between_characters() -> None:
    assert shortened("one two three", 9) == "one two"
    assert shortened("one two", 7) == "one two"
    assert shortened("羊毛" * 10, 5) == "羊毛羊毛羊"
    assert shortened("e\u0301" * 10, 5) == "e\u0301" * 2
    text = read_text("word " * 1_600)
    assert len(text) <= 1_500
    assert text.endswith("word")


def read_text(description: str) -> str:
    return from_v1({**V1, "description": description}).text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Café's 12 MITTENS, ﬁne_wool!", ["the", "cafe", "12", "mittens", "fine", "wool"]),
        ("羊毛围巾 wool", ["羊毛", "毛围", "围巾", "wool"]),
        ("茶", ["茶"]),
        ("O'Brien's \\ 'x' | !a & :*", ["brien"]),
        ("", []),
    ],
)
def test_words_are_folded_and_need_no_quotes(text: str, found: list[str]) -> None:
    assert words.of(text) == found


def test_scripts_with_signs_around_their_letters_stay_whole() -> None:
    assert words.of("ऊनी दुपट्टा") == words.of("ऊनी दुपट्टा ")
    assert len(words.of("ऊनी दुपट्टा")) == 2
    assert words.of("ผ้าพันคอ")
