"""A shop's products, from either of Wix's two catalogue versions, in one form."""

from __future__ import annotations

import html
import json
import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from wix import http

# Enough for a shop of ordinary size to find what fits a keyword; reading whole catalogues comes with their cache.
_PAGE = 100
_TEXT_MAX = 1_500
_V3_FIELDS = ["URL", "CURRENCY", "PLAIN_DESCRIPTION", "MEDIA_ITEMS_INFO"]
_V1, _V3 = "V1_CATALOG", "V3_CATALOG"
_OTHER_VERSION = 428
_VERSION_SECONDS = 600.0
_versions: dict[str, tuple[str, float]] = {}
_TAGS = re.compile(r"<[^>]*>")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Product:
    """What an article may know of a product. `text` is plain; prices are left out, since they change after publishing."""

    id: str
    name: str
    text: str
    url: str | None
    image_id: str | None
    image_width: int | None
    image_height: int | None
    in_stock: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def products(instance_id: str, *, seconds: float) -> list[Product]:
    """Up to 100 visible products; none where the shop has no Stores app."""

    def ask(version: str) -> list[Product]:
        if version == _V1:
            query = {"filter": json.dumps({"visible": True}), "paging": {"limit": _PAGE, "offset": 0}}
            answer = _post(instance_id, "/stores-reader/v1/products/query", {"query": query}, seconds)
            return [_from_v1(raw) for raw in http.pick(answer, "products") if raw.get("visible", True)]
        if version == _V3:
            body = {"query": {"cursorPaging": {"limit": _PAGE}, "filter": {"visible": True}}, "fields": _V3_FIELDS}
            answer = _post(instance_id, "/stores/v3/products/query", body, seconds)
            return [_from_v3(raw) for raw in http.pick(answer, "products") if raw.get("visible", True)]
        return []

    return _by_version(instance_id, seconds, ask)


def product(instance_id: str, product_id: str, *, seconds: float) -> Product | None:
    """One product by id, hidden or not; None if the shop has no such product."""

    def ask(version: str) -> Product | None:
        if version == _V1:
            path = f"/stores-reader/v1/products/{quote(product_id, safe='')}"
            return _from_v1(http.pick(_get(instance_id, path, {}, seconds), "product"))
        if version == _V3:
            path = f"/stores/v3/products/{quote(product_id, safe='')}"
            return _from_v3(http.pick(_get(instance_id, path, {"fields": _V3_FIELDS}, seconds), "product"))
        return None

    try:
        return _by_version(instance_id, seconds, ask)
    except http.WixRefused as refused:
        if refused.status not in (400, 404):
            raise
    return None


def _by_version(instance_id: str, seconds: float, ask: Callable[[str], T]) -> T:
    """A shop that has moved to the other catalogue since we asked answers 428."""
    try:
        return ask(_version(instance_id, seconds))
    except http.WixRefused as refused:
        if refused.status != _OTHER_VERSION:
            raise
    _versions.pop(instance_id, None)
    return ask(_version(instance_id, seconds))


def forget_versions() -> None:
    """For tests, whose shops come and go."""
    _versions.clear()


def _version(instance_id: str, seconds: float) -> str:
    """Asked for once in a while, and not for each blog: it is one of a site's 200 calls a minute."""
    version, expires_at = _versions.get(instance_id, ("", 0.0))
    if time.monotonic() < expires_at:
        return version
    answer = http.request(
        instance_id, "GET", "/stores/v3/provision/version", operation="catalog_version", seconds=seconds
    )
    version = str(http.pick(answer, "catalogVersion"))
    if version in (_V1, _V3):
        _versions[instance_id] = (version, time.monotonic() + _VERSION_SECONDS)
    return version


def _post(instance_id: str, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
    return http.request(instance_id, "POST", path, operation="products_query", seconds=seconds, body=body)


def _get(instance_id: str, path: str, params: dict[str, Any], seconds: float) -> dict[str, Any]:
    return http.request(instance_id, "GET", path, operation="product_get", seconds=seconds, params=params)


def _from_v1(raw: dict[str, Any]) -> Product:
    page = raw.get("productPageUrl") or {}
    main = (raw.get("media") or {}).get("mainMedia") or {}
    return Product(
        id=str(http.pick(raw, "id")),
        name=plain(raw.get("name", "")),
        text=plain(raw.get("description", ""))[:_TEXT_MAX],
        url=f"{page['base'].rstrip('/')}/{page['path'].lstrip('/')}" if page.get("base") and page.get("path") else None,
        **_image(main.get("id"), main.get("image")),
        in_stock=(raw.get("stock") or {}).get("inventoryStatus") != "OUT_OF_STOCK",
    )


def _from_v3(raw: dict[str, Any]) -> Product:
    main = (raw.get("media") or {}).get("main") or {}
    image: dict[str, Any] = main["image"] if isinstance(main.get("image"), dict) else {}
    return Product(
        id=str(http.pick(raw, "id")),
        name=plain(raw.get("name", "")),
        text=plain(raw.get("plainDescription", ""))[:_TEXT_MAX],
        url=(raw.get("url") or {}).get("url"),
        **_image(image.get("id") or main.get("id"), image),
        in_stock=(raw.get("inventory") or {}).get("availabilityStatus") != "OUT_OF_STOCK",
    )


def _image(media_id: Any, image: Any) -> dict[str, Any]:
    size = image if isinstance(image, dict) else {}
    known = bool(media_id and size.get("width") and size.get("height"))
    return {
        "image_id": str(media_id) if known else None,
        "image_width": int(size["width"]) if known else None,
        "image_height": int(size["height"]) if known else None,
    }


def plain(markup: Any) -> str:
    """Text without tags, entities, control and zero-width characters: shop data is data, never markup."""
    text = html.unescape(_TAGS.sub(" ", str(markup or "")))
    text = "".join(
        char for char in text if unicodedata.category(char) not in ("Cf", "Cs", "Co") or char in "\u200c\u200d"
    )
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in text).split())
