"""Orders for the stand-in writer as the stages give them, and what the gate is told of the same request."""

from __future__ import annotations

import json
from typing import Any

from blogs.article import prompts
from blogs.article.quality import Request
from tests.sandbox import writer

TOPICS = {"ja": "陶器のマグカップ", "zh": "陶瓷杯", "pl": "kubki ceramiczne", "fil": "mga tasa"}
PRODUCTS: list[dict[str, Any]] = [
    {
        "id": f"3f2504e0-4f89-41d3-9a0c-0305e82c330{number}",
        "name": name,
        "text": text,
        "price": "19.00",
        "currency": "EUR",
        "brand": "Kiln & Co",
        "options": [{"name": "Colour", "choices": ["sand", "moss"]}] if number else [],
        "in_stock": number != 3,
        "image_id": "a.jpg",
    }
    for number, (name, text) in enumerate(
        [
            ("Stone Mug", "Stoneware, 350 ml. Only $19.99 today! Thrown by hand in a small workshop near the coast."),
            ("Tall Jug", "A jug for water and wine. It is glazed inside and raw outside."),
            ("Flat Bowl", ""),
            ("Sold Out Cup", "A cup that is sold out."),
        ]
    )
]


def order_for(
    language: str, length: str, products: list[dict[str, Any]], **more: Any
) -> tuple[dict[str, Any], Request]:
    """As the stages ask, and the request that the gate is told of."""
    topic = TOPICS.get(language, "stoneware mugs")
    told = [
        {
            "id": product["id"],
            "name": product["name"],
            "text": product["text"],
            "photo": True,
            **(
                {"options": {each["name"]: each["choices"] for each in product["options"]}}
                if product["options"]
                else {}
            ),
            **({} if product["in_stock"] else {"in_stock": False}),
        }
        for product in products
    ]
    data = {
        "source": {"type": "keyword", "text": topic},
        "language": language,
        "length": length,
        "sections": prompts.SECTIONS[length],
        "site": {"name": "Warm Mugs"},
        "products": told,
        **more,
    }
    return data, Request(topic=topic, language=language, length=length, site_name="Warm Mugs")


def read(prompt: prompts.Prompt) -> writer.Order:
    """Read a prompt as the stand-in does, but with the products' own ids in place of their short names."""
    told = prompt.user
    for place, product_id in enumerate(prompt.product_ids, 1):
        told = told.replace(f'"p{place}"', json.dumps(product_id))
    return writer.Order.from_prompt(told)
