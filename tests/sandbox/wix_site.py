"""What one Wix site owns: its products, media, members and posts, and the rate limit of our installation there."""

from __future__ import annotations

import json
import math
import uuid
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.sandbox import picture
from tests.sandbox.limits import SlidingWindow
from tests.sandbox.world import iso


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    name: str
    description: str
    price: float
    url: str
    number: int
    image: MediaFile | None = None
    visible: bool = True
    in_stock: bool = True
    brand: str = ""
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()
    collections: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    """Fields as Wix sends them, instead of what they would be; null: without that field."""

    @property
    def slug(self) -> str:
        return urlsplit(self.url).path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class MediaFile:
    """READY, or FAILED, from a point in time on; before it, PENDING."""

    id: str
    display_name: str
    size: int
    settled_at: float
    failed: bool = False
    url: str = ""

    def status(self, now: float) -> str:
        if now < self.settled_at:
            return "PENDING"
        return "FAILED" if self.failed else "READY"

    def image(self) -> dict[str, Any]:
        return {"id": self.id, "url": self.url or static_url(self.id), "width": picture.WIDTH, "height": picture.HEIGHT}

    def as_json(self, now: float, *, with_media: bool = True) -> dict[str, Any]:
        status = self.status(now)
        document: dict[str, Any] = {
            "id": self.id,
            "displayName": self.display_name,
            "url": self.url or static_url(self.id),
            "parentFolderId": "media-root",
            "mediaType": "IMAGE",
            "private": False,
            "state": "OK",
            "operationStatus": status,
            "sizeInBytes": str(self.size),
        }
        if with_media and status == "READY":
            document["media"] = {"image": {"image": self.image()}}
        return document


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    login_email: str
    nickname: str
    contact: dict[str, Any]
    created: float

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "loginEmail": self.login_email,
            "loginEmailVerified": False,
            "status": "APPROVED",
            "contactId": self.id,
            "contact": self.contact,
            "profile": {"nickname": self.nickname, "slug": self.nickname.lower().replace(" ", "-")},
            "privacyStatus": "PRIVATE",
            "activityStatus": "ACTIVE",
            "createdDate": iso(self.created),
            "updatedDate": iso(self.created),
        }


@dataclass(slots=True)
class Draft:
    """Packed: 10,000 drafts as Python objects would take gigabytes."""

    id: str
    title: str
    status: str
    created: float
    edited: float
    packed: bytes
    scheduled_for: str = ""

    @classmethod
    def write(cls, fields: dict[str, Any], *, status: str, now: float) -> Draft:
        packed = zlib.compress(json.dumps(fields).encode(), 1)
        return cls(id=str(uuid.uuid4()), title=fields["title"], status=status, created=now, edited=now, packed=packed)

    def rewrite(self, fields: dict[str, Any]) -> None:
        self.title, self.packed = fields["title"], zlib.compress(json.dumps(fields).encode(), 1)

    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(zlib.decompress(self.packed))
        return fields


@dataclass(slots=True)
class Site:
    instance_id: str
    window: SlidingWindow
    name: str = ""
    language: str = "en"
    currency: str = "USD"
    catalog_version: str = "V3_CATALOG"
    products: dict[str, Product] = field(default_factory=dict)
    media: dict[str, MediaFile] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)
    imports: int = 0
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    categories: dict[str, dict[str, Any]] = field(default_factory=dict)
    url: str = ""
    owner_email: str = ""
    origin_instance_id: str | None = None
    billing: dict[str, Any] | None = None
    removed: bool = False
    collections: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    moves: tuple[int, str] | None = None
    """(pages, version): after that many more pages of products the site has that catalog version."""

    def set_up(self, shop: dict[str, Any]) -> None:
        """Takes over what the control interface says of this shop; posts, media and members stay."""
        self.name = shop.get("name", self.name)
        self.language = shop.get("language", self.language)
        self.currency = shop.get("currency", self.currency)
        self.catalog_version = shop.get("catalogVersion", self.catalog_version)
        self.collections = shop.get("collections", {})
        self.properties = shop.get("properties", {})
        self.moves = (shop["movesAfterPages"], shop["movesTo"]) if "movesTo" in shop else None
        self.products = {str(p["id"]): self._product(p, n) for n, p in enumerate(shop.get("products", []), start=1)}
        self.products |= generated(len(self.products) + 1, shop.get("generate", 0), list(self.collections))
        self.change(shop)

    def change(self, state: dict[str, Any]) -> None:
        """What its owner does at Wix: publishes it, buys a plan (`billing`, as Wix answers it; None: free), removes the app."""
        self.url = state.get("url", self.url)
        self.owner_email = state.get("ownerEmail", self.owner_email)
        self.origin_instance_id = state.get("originInstanceId", self.origin_instance_id)
        self.billing = state.get("billing", self.billing)
        self.removed = state.get("removed", self.removed)

    def _product(self, document: dict[str, Any], number: int) -> Product:
        image_url = document.get("imageUrl")
        image = product_image(image_url) if image_url else None
        if image is not None and not document.get("imageElsewhere"):
            self.media[image.id] = image
        return Product(
            id=str(document["id"]),
            name=document["name"],
            description=document.get("description", ""),
            price=float(document.get("price", 0)),
            url=document.get("url", f"https://shop.example/product-page/{document['id']}"),
            number=number,
            image=image,
            visible=document.get("visible", True),
            in_stock=document.get("inStock", True),
            brand=document.get("brand", ""),
            options=tuple((name, tuple(choices)) for name, choices in document.get("options", {}).items()),
            collections=tuple(document.get("collections", ())),
            more=document.get("more", {}),
        )

    def page_is_read(self) -> None:
        if self.moves is not None:
            pages, version = self.moves
            self.moves = (pages - 1, version) if pages > 1 else None
            self.catalog_version = self.catalog_version if pages > 1 else version

    def imported_photos(self) -> list[str]:
        """Their names, as often as each was imported: a shop's own photos are named so, and a made cover by its blog."""
        return [file.display_name for file in self.media.values() if file.display_name.startswith("photo-")]

    def drafts_count(self) -> int:
        return sum(draft.status != "DELETED" for draft in self.drafts.values())

    def forget_work(self) -> None:
        self.window.clear()
        pictured = {product.image.id: product.image for product in self.products.values() if product.image}
        self.media = {media_id: image for media_id, image in pictured.items() if media_id in self.media}
        self.members, self.drafts, self.imports = {}, {}, 0
        self.tags, self.categories = {}, {}


_KINDS = ("scarf", "kettle", "lamp", "notebook", "teapot", "blanket", "basket", "candle", "stool", "apron")
_STUFF = ("wool", "linen", "oak", "copper", "clay", "cotton", "walnut", "glass", "willow", "hemp")
_SAID = "Made to last by people who care for what they make, and packed for you without any plastic at all. " * 4


def generated(first: int, count: int, collections: list[str]) -> dict[str, Product]:
    """Generates `count` products, all different in name; a seventh of them is sold out, and each is in one of the collections."""
    made = {}
    for number in range(first, first + count):
        kind, stuff = _KINDS[number % 10], _STUFF[number // 10 % 10]
        product_id = str(uuid.UUID(int=number))
        made[product_id] = Product(
            id=product_id,
            name=f"{stuff.title()} {kind} {number}",
            description=f"A {kind} of {stuff}, number {number}. {_SAID}",
            price=float(number % 200),
            url=f"https://shop.example/product-page/{number}",
            number=number,
            in_stock=number % 7 != 0,
            collections=(collections[number % len(collections)],) if collections else (),
        )
    return made


def product_image(url: str) -> MediaFile:
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    media_id = name if "~mv2." in name else new_media_id("jpg", of=url)
    return MediaFile(media_id, name, 48_213, settled_at=-math.inf, url=url)


def new_media_id(extension: str, *, of: str | None = None) -> str:
    unique = uuid.uuid4() if of is None else uuid.uuid5(uuid.NAMESPACE_URL, of)
    return f"e6a89e_{unique.hex}~mv2.{extension}"


def static_url(media_id: str) -> str:
    return f"https://static.wixstatic.com/media/{media_id}"
