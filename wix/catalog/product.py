"""One product in one form, from either catalog. Shop data is data: out of here come plain text, numbers and addresses.

Markup is taken off by hand. The parsers that were tried leave escaped tags as tags (inscriptis, lxml), take 3 s for 20,000
characters of "<a " (BeautifulSoup with html.parser), or lose the text after a "<" (html2text).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from wix import writing_systems
from wix.client.fields import list_in, object_in, objects, picked_id, text_in
from wix.writing_systems import shortened
from workers.texts import UNREADABLE

ID_MAX, NAME_MAX, TEXT_MAX = 100, 200, 1_500
_MEDIA_ID_MAX = 200
_IMAGES, _OPTIONS, _CHOICES = 5, 6, 20
_ADDRESS_MAX = 1_000
# Wix allows 16,000 characters, and the first ones say what a product is.
_MARKUP_MAX = 20_000

# None of these patterns looks past the next angle bracket, so that a text of nothing but brackets costs no more than another.
_TAG = re.compile(r"</?[a-z!?][^<>]*>", re.IGNORECASE)
_UNREADABLE = re.compile(r"<(/?)(?:script|style)\b[^<>]*>", re.IGNORECASE)
# With the number signs of Arabic and Syriac, private characters, and the mark for what could not be read.
_INVISIBLE = writing_systems.Invisible(
    f"\u0600-\u0605\u06dd\u070f\ue000-\uf8ff\U000e0080-\U000e0fff\U000f0000-\U0010ffff{UNREADABLE}{writing_systems.INVISIBLE}"
)
# Numbers that no character has. Python refuses to read one of thousands of digits.
_NO_CHARACTER = re.compile("&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture by its id in the site's own media manager. Without its size it can't be put into a post."""

    id: str
    width: int | None
    height: int | None
    alt: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """What we know of a product. The price is for us: an article must not name it, since it changes after publishing."""

    id: str
    name: str
    text: str
    price: Decimal | None
    currency: str
    url: str | None
    images: tuple[Image, ...]
    in_stock: bool
    brand: str
    options: tuple[Option, ...]
    ribbon: str = ""
    """What the shop writes across the picture: "New", "Handmade"."""
    collection_ids: tuple[str, ...] = ()
    visible: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return JSON, as a stage's output keeps it, with the first usable image once more by itself."""
        fields = asdict(self)
        del fields["collection_ids"], fields["visible"]
        usable = [image for image in self.images if image.width and image.height]
        first = usable[0] if usable else None
        return fields | {
            "price": None if self.price is None else str(self.price),
            "images": list(fields["images"]),
            "options": [{"name": option.name, "choices": list(option.choices)} for option in self.options],
            "image_id": first.id if first else None,
            "image_width": first.width if first else None,
            "image_height": first.height if first else None,
        }


def from_v1(raw: Any) -> Product:
    """Read a product of V1's catalog. What is missing or of another type stays empty. Raises TransientError if it has no id."""
    prices, page = object_in(raw, "priceData"), object_in(raw, "productPageUrl")
    media = object_in(raw, "media")
    address = f"{text_in(page, 'base').rstrip('/')}/{text_in(page, 'path').lstrip('/')}" if page.get("path") else None
    return Product(
        id=picked_id(raw, "id", most=ID_MAX),
        name=_name(raw),
        text=shortened(plain(raw.get("description")), TEXT_MAX, least=TEXT_MAX // 2),
        price=_price(prices.get("discountedPrice"), prices.get("price")),
        currency=_currency(prices.get("currency")),
        url=_address(address),
        images=_images([media.get("mainMedia"), *list_in(media, "items")]),
        in_stock=object_in(raw, "stock").get("inventoryStatus") != "OUT_OF_STOCK",
        brand=_line(raw.get("brand"), 100),
        options=_options((option, list_in(option, "choices")) for option in objects(list_in(raw, "productOptions"))),
        ribbon=_line(raw.get("ribbon"), 50),
        collection_ids=tuple(str(known)[:100] for known in list_in(raw, "collectionIds")),
        visible=raw.get("visible") is not False,
    )


def from_v3(raw: Any) -> Product:
    """Read a product of V3's catalog. What is missing or of another type stays empty. Raises TransientError if it has no id."""
    media, lowest = object_in(raw, "media"), object_in(object_in(raw, "actualPriceRange"), "minValue")
    categories = objects(list_in(object_in(raw, "allCategoriesInfo"), "categories"))
    return Product(
        id=picked_id(raw, "id", most=ID_MAX),
        name=_name(raw),
        text=shortened(plain(raw.get("plainDescription")), TEXT_MAX, least=TEXT_MAX // 2),
        price=_price(lowest.get("amount")),
        currency=_currency(raw.get("currency")),
        url=_address(object_in(raw, "url").get("url")),
        images=_images([media.get("main"), *list_in(object_in(media, "itemsInfo"), "items")]),
        in_stock=object_in(raw, "inventory").get("availabilityStatus") != "OUT_OF_STOCK",
        brand=_line(object_in(raw, "brand").get("name"), 100),
        options=_options(
            (option, list_in(object_in(option, "choicesSettings"), "choices"))
            for option in objects(list_in(raw, "options"))
        ),
        ribbon=_line(object_in(raw, "ribbon").get("name"), 50),
        collection_ids=tuple(str(category.get("id"))[:100] for category in categories),
        visible=raw.get("visible") is not False,
    )


def plain(markup: Any) -> str:
    """Strip tags, entities, controls and invisible characters. Escaped markup goes too: nothing may become a tag later."""
    text = _NO_CHARACTER.sub("", markup[:_MARKUP_MAX]) if isinstance(markup, str) else ""
    text = html.unescape(_TAG.sub(" ", "".join(_readable(text))))
    shown = _INVISIBLE.removed(_CONTROL.sub(" ", text))
    return " ".join(_TAG.sub(" ", shown).split())


def _readable(markup: str) -> Iterator[str]:
    """Yield what stands outside of scripts and styles."""
    start, hidden = 0, False
    for tag in _UNREADABLE.finditer(markup):
        if not hidden:
            yield markup[start : tag.start()]
        start, hidden = tag.end(), not tag[1]
    if not hidden:
        yield markup[start:]


def _name(raw: dict[str, Any]) -> str:
    return _line(raw.get("name"), NAME_MAX)


def _line(value: Any, limit: int) -> str:
    return shortened(plain(value), limit, least=limit // 2)


def _price(*amounts: Any) -> Decimal | None:
    """Return the first amount that is a price. Free of charge is one."""
    for amount in amounts:
        if isinstance(amount, int | float | str) and not isinstance(amount, bool):
            try:
                price = Decimal(str(amount))
            except InvalidOperation:
                continue
            if price.is_finite() and price >= 0:
                return price
    return None


def _currency(code: Any) -> str:
    return code if isinstance(code, str) and _CURRENCY.match(code) else ""


def _address(url: Any) -> str | None:
    """Return an address only if it leads to a web page: one of another scheme may be a script in the reader's browser."""
    if not isinstance(url, str) or len(url) > _ADDRESS_MAX or _CONTROL.search(url) or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def _images(items: Iterable[Any]) -> tuple[Image, ...]:
    """List the images, the main one first, each once. V1 has an image's id beside it, V3 inside it as well."""
    found: dict[str, Image] = {}
    for item in objects(items):
        image = object_in(item, "image")
        media_id = image.get("id") or item.get("id")
        if str(item.get("mediaType", "image")).lower() != "image" or not image:
            continue
        if not isinstance(media_id, str) or not 0 < len(media_id) <= _MEDIA_ID_MAX:
            continue
        alt = _line(image.get("altText") or item.get("altText"), NAME_MAX)
        width, height = _size(image.get("width")), _size(image.get("height"))
        found.setdefault(media_id, Image(media_id, width, height, alt, _address(image.get("url"))))
    return tuple(found.values())[:_IMAGES]


def _size(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 < value < 100_000 else None


def _options(options: Iterable[tuple[dict[str, Any], list[Any]]]) -> tuple[Option, ...]:
    """List the options, without choices that the shop hides. V1 names a choice by its description and gives a colour as its
    value; V3 has a name."""
    found = []
    for option, choices in options:
        shown = (choice for choice in objects(choices) if choice.get("visible") is not False)
        names = [_line(c.get("name") or c.get("description") or c.get("value"), 50) for c in shown]
        if name := _line(option.get("name"), 50):
            found.append(Option(name, tuple(filter(None, names))[:_CHOICES]))
    return tuple(found[:_OPTIONS])
