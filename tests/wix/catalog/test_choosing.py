from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from wix.catalog import choosing, store
from wix.catalog.api import V3, Page
from wix.catalog.product import Product

pytestmark = pytest.mark.django_db


def product(name: str, text: str = "", **fields: Any) -> Product:
    usual: dict[str, Any] = {"price": Decimal(1), "currency": "EUR", "url": None, "images": (), "in_stock": True}
    return Product(id=str(uuid.uuid4()), name=name, text=text, **{**usual, "brand": "", "options": (), **fields})


def shop_with(*products: Product) -> str:
    instance_id = str(uuid.uuid4())
    reading = store.state(instance_id)
    assert isinstance(reading, store.Reading)
    store.keep(store.Reading(instance_id, reading.number, V3), Page(list(products), ""))
    return instance_id


def chosen(shop: str, topic: str, at_most: int = 6, **more: Any) -> list[str]:
    return [found["name"] for found in choosing.choose(shop, topic, at_most=at_most, **more)]


def test_what_shares_words_with_the_topic_comes_first_and_the_name_counts_more() -> None:
    shop = shop_with(
        product("Oak Stool"),
        product("Cotton Cap", "Goes well with a scarf."),
        product("Wool Scarf", "For cold days."),
        product("Silk Scarf"),
    )

    assert chosen(shop, "Which scarf for wool lovers") == ["Wool Scarf", "Silk Scarf", "Cotton Cap", "Oak Stool"]


def test_a_word_that_nearly_all_products_have_says_little() -> None:
    shop = shop_with(*[product(f"Box for {n}") for n in range(20)], product("Kettle", "Boils water; made of steel."))

    assert chosen(shop, "for kettles", 1) == ["Kettle"]


def test_among_equals_what_is_in_stock_comes_first_and_then_the_shops_own_order() -> None:
    shop = shop_with(
        product("Mug A", in_stock=False), product("Mug B"), product("Cup C", in_stock=False), product("Cup D")
    )

    assert chosen(shop, "mugs") == ["Mug B", "Mug A", "Cup D", "Cup C"]
    assert chosen(shop, "nothing of that") == ["Mug B", "Cup D", "Mug A", "Cup C"]
    assert chosen(shop, "", 2) == ["Mug B", "Cup D"]


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("如何保养羊毛围巾", "羊毛围巾"),
        ("วิธีดูแลผ้าพันคอ", "ผ้าพันคอขนสัตว์"),
        ("صيانة الصوف", "وشاح من الصوف"),
        ("Pflege für MÜTZEN", "mütze"),
        ("Choosing the cosiest blanket", "Cosy throw, brand Cosiest"),
    ],
)
def test_no_script_is_left_out(topic: str, name: str) -> None:
    shop = shop_with(*[product(f"其他商品 other {n} สินค้า منتج") for n in range(10)], product(name))

    assert chosen(shop, topic, 1) == [name]


def test_brand_options_and_nothing_dangerous_are_searched() -> None:
    shop = shop_with(product("A"), product("B", brand="Nordlicht"), product("C", "x' | y & !z :* \\ \" <-> ()"))

    assert chosen(shop, "nordlicht", 1) == ["B"]
    assert chosen(shop, "x' | y & !z :* \\ % %s \" <-> () \x00", 1) == ["A"]


def test_only_a_collection_if_one_is_named() -> None:
    shop = shop_with(product("Wool Scarf"), product("Wool Cap", collection_ids=("caps",)))

    assert chosen(shop, "wool scarf", collection_id="caps") == ["Wool Cap"]
    assert chosen(shop, "wool scarf", collection_id="other") == []


def test_no_other_shops_rows_are_looked_at() -> None:
    shops = [shop_with(product("Wool")) for _ in range(3)]

    with connection.cursor() as cursor:
        # Few rows are read faster than an index; the question is whether there is one that fits.
        cursor.execute("SET LOCAL enable_seqscan = off")
        asked: dict[str, Any] = {"instance_id": shops[1], "topic": ["'wool':"], "collection": "", "at_most": 6}
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {choosing._CHOOSE}", asked)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "catalogue_product_once" in plan
    assert "Rows Removed" not in plan
    assert "Seq Scan on wix_catalogueproduct" not in plan
