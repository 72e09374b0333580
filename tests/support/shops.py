"""Five shops of different sizes, catalogs and languages of their own, and what they ask for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

_NAMESPACE = uuid.UUID("7d3c2b1a-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Shop:
    name: str
    catalog_version: str
    products: tuple[tuple[str, str], ...]
    topics: tuple[str, ...]
    blogs: int
    photographed: bool = False
    """Its products have photos, which aren't in the site's media manager yet."""

    @property
    def instance_id(self) -> str:
        return str(uuid.uuid5(_NAMESPACE, self.name))

    @property
    def host(self) -> str:
        return "".join(char for char in self.name.lower() if char.isalnum()) + ".example"

    def catalog(self) -> list[dict[str, Any]]:
        return [
            {
                "id": str(uuid.uuid5(_NAMESPACE, f"{self.name}/{name}")),
                "name": name,
                "description": f"<p>{text}</p>",
                "price": 19.0 + 7 * number,
                "url": f"https://{self.host}/product-page/{name.lower().replace(' ', '-')}",
                **(self._photo(number) if self.photographed else {}),
            }
            for number, (name, text) in enumerate(self.products)
        ]

    def _photo(self, number: int) -> dict[str, Any]:
        return {"imageUrl": f"https://static.wixstatic.com/media/{self.host}-{number}.jpg", "imageElsewhere": True}

    def requests(self) -> list[dict[str, Any]]:
        """Return what the shop asks for: its topics in turn, each fourth one about a product of its own."""
        catalog, wanted = self.catalog(), []
        for number in range(self.blogs):
            if catalog and number % 4 == 3:
                product = catalog[number // 4 % len(catalog)]
                wanted.append({"sourceType": "product", "sourceId": product["id"]})
            else:
                topic = self.topics[number % len(self.topics)]
                kind = "title" if topic[0].isupper() else "keyword"
                wanted.append({"sourceType": kind, "sourceId": topic, "length": ("short", "medium")[number % 2]})
        return wanted


SHOPS = (
    Shop(
        "Harbour Coffee",
        "V3_CATALOG",
        (
            (
                "Morning Blend",
                "A medium roast of beans from Colombia and Ethiopia with notes of cocoa and orange, roasted every Tuesday.",
            ),
            ("Dark Anchor", "A dark roast for espresso, low in acidity, with a taste of walnut and dark chocolate."),
            ("Ceramic Dripper", "A hand-thrown dripper for one or two cups that keeps the water hot while it pours."),
            (
                "Travel Grinder",
                "A small hand grinder with steel burrs and eighteen settings, from Turkish to French press.",
            ),
            ("Linen Filter", "A reusable filter of washed linen; rinse it after each use and it lasts for a year."),
        ),
        (
            "pour over coffee at home",
            "how to store coffee beans",
            "Which grind for which brewer",
            "coffee for beginners",
            "espresso without a machine",
        ),
        24,
    ),
    Shop(
        "Wool and Willow",
        "V1_CATALOG",
        (
            ("Merino Scarf", "Knitted from soft merino wool in a small mill, 180 cm long, washable by hand."),
            ("Lambswool Beanie", "A warm beanie with a folded brim, made to last many winters."),
            ("Alpaca Mittens", "Mittens of baby alpaca, light and very warm, lined with cotton."),
            ("Willow Basket", "A round basket woven from unpeeled willow, for yarn, bread or kindling."),
        ),
        ("caring for wool", "natural fibres for winter", "A gift for somebody who is always cold", "choosing a scarf"),
        16,
    ),
    Shop(
        "Trail & Tarp",
        "V3_CATALOG",
        (
            ("Featherweight Tarp", "A tarp of ripstop nylon, 3 by 3 metres, 480 grams, with sixteen tie-outs."),
            ("Titanium Mug", "A 450 ml mug that weighs 70 grams and goes straight onto the stove."),
            ("Merino Base Layer", "A base layer that stays fresh for days and dries overnight."),
        ),
        ("packing for a weekend hike", "setting up a tarp in the rain", "Ten mistakes on a first overnight trip"),
        12,
    ),
    Shop(
        "Petit Atelier",
        "V3_CATALOG",
        (("Oak Picture Frame", "A frame of oiled oak with museum glass, made to order in four sizes."),),
        ("hanging pictures in a small room", "Light and art at home"),
        6,
    ),
    Shop("Quiet Pages", "STORES_NOT_INSTALLED", (), ("starting a reading habit", "A quiet corner to read in"), 2),
)
