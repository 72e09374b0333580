"""Our calls of Wix Stores, in both families of its API. A site has one of them; it answers calls of the other with 428.

V1 is paged by `numericId`, since its offsets fail near 10,000; V3 by cursor. A page says where the next one begins, in a form that
can be stored, so that another process may go on there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from wix.catalog.product import ID_MAX, NAME_MAX, Product, from_v1, from_v3, plain
from wix.client import http
from wix.client.fields import object_in, pick, picked_objects
from wix.writing_systems import shortened

V1, V3, NOT_INSTALLED = "V1_CATALOG", "V3_CATALOG", "STORES_NOT_INSTALLED"
# A new store is still being set up: there is nothing in it yet.
PROVISIONING = "CATALOG_V3_SITE_PROVISIONING"
VERSIONS = (V1, V3)
_PAGE = 100
# Twice as many pages as the largest catalog that is read takes: hidden products don't count towards that.
_PAGES_MAX = 1_000
_NUMBER_DIGITS = 18
_V3_FIELDS = ["URL", "CURRENCY", "PLAIN_DESCRIPTION", "MEDIA_ITEMS_INFO", "ALL_CATEGORIES_INFO"]
_V3_TREE = {"treeReference.appNamespace": "@wix/stores"}
# How the codes end that say that an app is missing: Wix documents none for Stores, and its other apps end theirs like this.
_MISSING = "NOT_INSTALLED"
_WRONG_FAMILY = ("CATALOG_V1_SITE_CALLING_CATALOG_V3_API", "CATALOG_V3_CALLING_CATALOG_V1_API")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Visible products, and where the next page begins: "" after the last; `total` is 0 where it is not known."""

    products: list[Product]
    following: str
    total: int = 0


class OtherCatalog(Exception):
    """The site does not have, or has no longer, the version of the catalog that we asked for."""


class NoCatalog(Exception):
    """The site has no products that we could read. `code` is Wix's, where it gives one."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def version(instance_id: str, *, seconds: float) -> str:
    """Ask which family the site has: V1, V3, NOT_INSTALLED, or a word that we don't know."""
    answer = http.request(
        instance_id, "GET", "/stores/v3/provision/version", operation="catalog_version", seconds=seconds
    )
    return str(pick(answer, "catalogVersion"))[:25]


def page(instance_id: str, family: str, position: str, *, seconds: float) -> Page:
    """Read the page at a position. Raises OtherCatalog, NoCatalog, and WixRefused 400 for a position that Wix no longer knows."""
    read = _page_v1 if family == V1 else _page_v3
    return _of_family(family, lambda: read(instance_id, json.loads(position or "{}"), seconds))


def product(instance_id: str, family: str, product_id: str, *, seconds: float) -> Product | None:
    """Read one product, hidden or not; None where the shop has no such product. Raises OtherCatalog, NoCatalog."""

    def ask() -> Product:
        path, params = (f"/stores-reader/v1/products/{_quoted(product_id)}", {})
        if family == V3:
            path, params = f"/stores/v3/products/{_quoted(product_id)}", {"fields": _V3_FIELDS}
        answer = http.request(instance_id, "GET", path, operation="product_get", seconds=seconds, params=params)
        return (from_v1 if family == V1 else from_v3)(pick(answer, "product"))

    return _of_family(family, lambda: _unless_unknown(ask))


def collection(instance_id: str, family: str, collection_id: str, *, seconds: float) -> str | None:
    """Read a collection's name. What V1 calls a collection is a category in V3."""

    def ask() -> str:
        path, params, kind = f"/stores-reader/v1/collections/{_quoted(collection_id)}", {}, "collection"
        if family == V3:
            path, params, kind = f"/categories/v1/categories/{_quoted(collection_id)}", _V3_TREE, "category"
        answer = http.request(instance_id, "GET", path, operation="collection_get", seconds=seconds, params=params)
        return shortened(plain(pick(answer, kind, "name")), NAME_MAX, least=NAME_MAX // 2)

    return _of_family(family, lambda: _unless_unknown(ask))


def _page_v1(instance_id: str, begins: dict[str, Any], seconds: float) -> Page:
    condition: dict[str, Any] = {"visible": True}
    if "after" in begins:
        condition["numericId"] = {"$gt": begins["after"]}
    offset = int(begins.get("offset", 0))
    query = {
        "filter": json.dumps(condition),
        "sort": json.dumps([{"numericId": "asc"}]),
        "paging": {"limit": _PAGE, "offset": offset},
    }
    body = {"query": query, "includeVariants": False}
    answer = http.request(
        instance_id, "POST", "/stores-reader/v1/products/query", operation="products_query", seconds=seconds, body=body
    )
    found = picked_objects(answer, "products")
    total = _count(answer.get("totalResults"))
    following: dict[str, Any] = {}
    # A page that isn't full need not be the last. The total is of what this query finds, without what lies before `after`.
    if found and (len(found) >= _PAGE or total is None or total > offset + len(found)):
        last = str(found[-1].get("numericId") or "")[:_NUMBER_DIGITS]
        following = {"after": int(last)} if last.isdecimal() else {"offset": offset + len(found)}
    return Page(_visible(found, from_v1), _kept(following, begins), 0 if begins else total or 0)


def _page_v3(instance_id: str, begins: dict[str, Any], seconds: float) -> Page:
    query: dict[str, Any] = {"cursorPaging": {"limit": _PAGE}}
    if "cursor" in begins:
        query["cursorPaging"]["cursor"] = begins["cursor"]
    else:
        query["filter"] = {"visible": True}
    body = {"query": query, "fields": _V3_FIELDS}
    answer = http.request(
        instance_id, "POST", "/stores/v3/products/query", operation="products_query", seconds=seconds, body=body
    )
    found, paging = picked_objects(answer, "products"), object_in(answer, "pagingMetadata")
    cursor = object_in(paging, "cursors").get("next")
    following = {"cursor": cursor} if found and cursor and paging.get("hasNext") is not False else {}
    return Page(_visible(found, from_v3), _kept(following, begins))


def _kept(following: dict[str, Any], begins: dict[str, Any]) -> str:
    """Write down where the next page begins, and its number. Nowhere if Wix names the same page again, or always one more: that
    would keep us reading for ever."""
    number = begins.get("number", 0) + 1
    if not following or following.items() <= begins.items() or number >= _PAGES_MAX:
        return ""
    return json.dumps({**following, "number": number})


def _visible(found: list[dict[str, Any]], read: Callable[[Any], Product]) -> list[Product]:
    """Return the visible products. One without an id, which Wix doesn't know either, must not keep us from the others."""
    products = (read(raw) for raw in found if isinstance(raw.get("id"), str) and 0 < len(raw["id"]) <= ID_MAX)
    return [product for product in products if product.visible]


def _count(told: Any) -> int | None:
    """Return how many products there are, if Wix names a number that a column can hold."""
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 2**31 else None


def _unless_unknown(ask: Callable[[], T]) -> T | None:
    """Return None where Wix does not know the id; one of another form it refuses with 400."""
    try:
        return ask()
    except http.WixRefused as refused:
        if refused.status not in (400, 404):
            raise
    return None


def _of_family(family: str, ask: Callable[[], T]) -> T:
    """Return what `ask` does. Raises OtherCatalog, NoCatalog instead of a refusal that means it.

    Without Stores V1 answers 401 (to a token that is good elsewhere), and V3 404, or 428 with a code that says so. A 428 with
    another code is a refusal of these products: Wix answers so for one whose variants contradict its options, and for its page.
    """
    try:
        return ask()
    except http.WixRefused as refused:
        code = refused.application_code
        if refused.status == 428 and code in _WRONG_FAMILY:
            raise OtherCatalog from refused
        says_none = refused.status == 428 and (code == PROVISIONING or code.endswith(_MISSING))
        if says_none or refused.status == (401 if family == V1 else 404):
            raise NoCatalog(code) from refused
        raise


def _quoted(known: str) -> str:
    return quote(known, safe="")
