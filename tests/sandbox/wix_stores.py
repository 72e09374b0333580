"""Products in both families of Wix's catalogue. A site speaks one; the other family's calls answer 428."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.sandbox import wix_filters
from tests.sandbox.provider import Call, Refused
from tests.sandbox.wix_errors import application_error, invalid, malformed, not_found
from tests.sandbox.wix_site import Product, Site
from tests.sandbox.world import World

# Wix sends these as text; all of one length, so that text compares as numbers do.
_FIRST_NUMERIC_ID = 1_567_755_582_928_000
_CREATED = "2026-05-04T09:30:00.000Z"
_V1_FILTERABLE = {"id", "name", "slug", "sku", "visible", "numericId", "productType", "lastUpdated", "createdDate"}
_V3_FILTERABLE = {"id", "handle", "slug", "options.id", "createdDate", "updatedDate", "visible"}
_V3_OPTIONAL = {
    "url": "URL",
    "currency": "CURRENCY",
    "plainDescription": "PLAIN_DESCRIPTION",
    "infoSections": "INFO_SECTION",
}


def wrong_catalog(call: Call) -> web.Response:
    asked_for_v3 = call.request.path.startswith("/wix/stores/v3/")
    code = "CATALOG_V1_SITE_CALLING_CATALOG_V3_API" if asked_for_v3 else "CATALOG_V3_CALLING_CATALOG_V1_API"
    return application_error(428, code, "This site uses another version of the Stores catalog")


def _check_family(site: Site, call: Call, family: str) -> None:
    if site.catalog_version == "STORES_NOT_INSTALLED":
        # V1: documented as "invalid token, or Wix Stores is not installed". V3: undocumented; other verticals say 428.
        if family == "V1_CATALOG":
            raise Refused(application_error(401, "UNAUTHENTICATED", "Invalid token, or Wix Stores is not installed"))
        raise Refused(application_error(428, "STORES_APP_NOT_INSTALLED", "Wix Stores is not installed"))
    if site.catalog_version != family:
        raise Refused(wrong_catalog(call))


async def catalog_version(site: Site, call: Call, world: World) -> web.Response:
    return web.json_response({"catalogVersion": site.catalog_version})


async def query_v1(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V1_CATALOG")
    document = call.document()
    if document is None:
        raise malformed()
    query = document.get("query") or {}
    paging = query.get("paging") or {}
    condition, sort = _decoded(query, "filter", {}), _v1_sort(_decoded(query, "sort", []))
    hidden = bool(document.get("includeHiddenProducts"))
    products = [_v1(product, site) for product in site.products.values() if product.visible or hidden]
    found = wix_filters.in_order(wix_filters.matching(products, condition, _V1_FILTERABLE), sort)
    limit, offset = wix_filters.limit_of(paging, default=100), int(paging.get("offset", 0))
    chosen = found[offset : offset + limit]
    metadata = {"items": len(chosen), "offset": offset}
    return web.json_response({"products": chosen, "metadata": metadata, "totalResults": len(found)})


async def get_v1(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V1_CATALOG")
    return web.json_response({"product": _v1(_product(site, call), site)})


async def query_v3(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V3_CATALOG")
    document = call.document()
    if document is None:
        raise malformed()
    visible = [_v3(product, site) for product in site.products.values() if product.visible]
    chosen, metadata = wix_filters.page(document.get("query") or {}, visible, _V3_FILTERABLE)
    fields = document.get("fields") or []
    return web.json_response({"products": [_with_fields(p, fields) for p in chosen], "pagingMetadata": metadata})


async def get_v3(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V3_CATALOG")
    product = _v3(_product(site, call), site)
    return web.json_response({"product": _with_fields(product, call.request.query.getall("fields", []))})


ROUTES = [
    ("GET", "/stores/v3/provision/version", "catalog_version", catalog_version),
    ("POST", "/stores-reader/v1/products/query", "products_query", query_v1),
    ("POST", "/stores/v1/products/query", "products_query", query_v1),
    ("GET", "/stores-reader/v1/products/{id}", "product_get", get_v1),
    ("POST", "/stores/v3/products/query", "products_query", query_v3),
    ("GET", "/stores/v3/products/{id}", "product_get", get_v3),
]


def _product(site: Site, call: Call) -> Product:
    product = site.products.get(call.request.match_info["id"])
    if product is None or not product.visible:
        raise not_found("Product")
    return product


def _decoded(query: dict[str, Any], name: str, default: Any) -> Any:
    """V1 takes filter and sort as JSON inside a string, and refuses them as JSON proper."""
    text = query.get(name)
    if text is None or text == "":
        return default
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        raise invalid(f"query.{name}", "must be a JSON encoded string", "INVALID_FORMAT") from None


def _v1_sort(sort: list[dict[str, str]]) -> list[dict[str, str]]:
    rules = []
    for rule in sort:
        if "fieldName" in rule:
            rules.append(rule)
        else:
            rules += [{"fieldName": name, "order": order.upper()} for name, order in rule.items()]
    return rules


def _v1(product: Product, site: Site) -> dict[str, Any]:
    address = urlsplit(product.url)
    formatted = f"{product.price:.2f} {site.currency}"
    prices = {
        "currency": site.currency,
        "price": product.price,
        "discountedPrice": product.price,
        "formatted": {"price": formatted, "discountedPrice": formatted},
    }
    document = {
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "visible": product.visible,
        "productType": "physical",
        "description": f"<p>{product.description}</p>",
        "sku": f"SKU-{product.number:04d}",
        "stock": {"trackInventory": False, "inStock": True, "inventoryStatus": "IN_STOCK"},
        "priceData": prices,
        "price": prices,
        "priceRange": {"minValue": product.price, "maxValue": product.price},
        "discount": {"type": "NONE", "value": 0},
        "additionalInfoSections": [],
        "media": {"items": []},
        "productOptions": [],
        "productPageUrl": {"base": f"{address.scheme}://{address.netloc}", "path": address.path},
        "numericId": str(_FIRST_NUMERIC_ID + product.number),
        "collectionIds": [],
        "lastUpdated": _CREATED,
        "createdDate": _CREATED,
    }
    if product.image is not None:
        image = product.image.image()
        picture = {"url": image["url"], "width": image["width"], "height": image["height"], "altText": product.name}
        item = {"mediaType": "image", "title": product.name, "id": product.image.id, "image": picture}
        document["media"] = {"mainMedia": item, "items": [item]}
    return document


def _v3(product: Product, site: Site) -> dict[str, Any]:
    price = {"amount": f"{product.price:.2f}"}
    document: dict[str, Any] = {
        "id": product.id,
        "revision": "1",
        "name": product.name,
        "slug": product.slug,
        "url": {"relativePath": urlsplit(product.url).path, "url": product.url},
        "plainDescription": f"<p>{product.description}</p>",
        "visible": product.visible,
        "visibleInPos": True,
        "media": {},
        "currency": site.currency,
        "actualPriceRange": {"minValue": price, "maxValue": price},
        "inventory": {"availabilityStatus": "IN_STOCK"},
        "productType": "PHYSICAL",
        "infoSections": [],
        "createdDate": _CREATED,
        "updatedDate": _CREATED,
        "variantSummary": {"variantCount": 1},
    }
    if product.image is not None:
        image = product.image.image() | {"altText": product.name}
        item = {"id": product.image.id, "image": image, "altText": product.name, "mediaType": "IMAGE"}
        document["media"] = {"main": item, "itemsInfo": {"items": [item]}}
    return document


def _with_fields(product: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """Without being asked for by name, the address, the currency, the texts and the list of media stay away."""
    hidden = {name for name, flag in _V3_OPTIONAL.items() if flag not in fields}
    shown = {name: value for name, value in product.items() if name not in hidden}
    if "MEDIA_ITEMS_INFO" not in fields:
        shown["media"] = {name: value for name, value in product["media"].items() if name != "itemsInfo"}
    return shown
