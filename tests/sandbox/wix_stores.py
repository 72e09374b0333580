"""Products in both families of Wix's catalog. A site speaks one; the other family's calls answer 428."""

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
_V1_OFFSET_MAX = 10_000
_CREATED = "2026-05-04T09:30:00.000Z"
_V1_FILTERABLE = {"id", "name", "slug", "sku", "visible", "numericId", "productType", "lastUpdated", "createdDate"}
_V3_FILTERABLE = {"id", "handle", "slug", "options.id", "createdDate", "updatedDate", "visible"}
_V3_OPTIONAL = {
    "url": "URL",
    "currency": "CURRENCY",
    "plainDescription": "PLAIN_DESCRIPTION",
    "infoSections": "INFO_SECTION",
    "allCategoriesInfo": "ALL_CATEGORIES_INFO",
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
    if site.catalog_version == "PROVISIONING":
        raise Refused(application_error(428, "CATALOG_V3_SITE_PROVISIONING", "The catalog is being provisioned"))
    if site.catalog_version != family:
        raise Refused(wrong_catalog(call))


async def catalog_version(site: Site, call: Call, world: World) -> web.Response:
    is_new = site.catalog_version == "PROVISIONING"
    return web.json_response({"catalogVersion": "V3_CATALOG" if is_new else site.catalog_version})


async def query_v1(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V1_CATALOG")
    document = call.document()
    if document is None:
        raise malformed()
    query = document.get("query") or {}
    paging = query.get("paging") or {}
    condition, sort = _decoded(query, "filter", {}), _v1_sort(_decoded(query, "sort", []))
    limit, offset = wix_filters.limit_of(paging, default=100), int(paging.get("offset", 0))
    if offset + limit > _V1_OFFSET_MAX:
        raise invalid("query.paging.offset", "is too large", "MAX", threshold=_V1_OFFSET_MAX)
    hidden = bool(document.get("includeHiddenProducts"))
    found = _found_v1(site, condition, sort, hidden=hidden)
    chosen = [_v1(product, site) for product in found[offset : offset + limit]]
    site.page_is_read()
    metadata = {"items": len(chosen), "offset": offset}
    return web.json_response({"products": chosen, "metadata": metadata, "totalResults": len(found)})


def _found_v1(site: Site, condition: dict[str, Any], sort: list[dict[str, str]], *, hidden: bool) -> list[Product]:
    """What is paged through as we do it is found quickly; whatever else may be asked, as well."""
    products = [product for product in site.products.values() if product.visible or hidden]
    after = condition.get("numericId", {}).get("$gt") if isinstance(condition.get("numericId"), dict) else None
    pages_on = {**condition, "visible": True} == {"visible": True, **({"numericId": {"$gt": after}} if after else {})}
    if pages_on and sort in ([], [{"fieldName": "numericId", "order": "ASC"}]):
        first = int(after) - _FIRST_NUMERIC_ID if after else 0
        return [product for product in products if product.number > first and product.visible]
    documents = [_v1(product, site) for product in products]
    found = wix_filters.in_order(wix_filters.matching(documents, condition, _V1_FILTERABLE), sort)
    return [site.products[document["id"]] for document in found]


async def get_v1(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V1_CATALOG")
    return web.json_response({"product": _v1(_product(site, call, hidden=True), site)})


async def query_v3(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V3_CATALOG")
    document = call.document()
    if document is None:
        raise malformed()
    # Light, so that paging through thousands writes out those of one page only.
    visible = [{"id": p.id, "slug": p.slug, "visible": True} for p in site.products.values() if p.visible]
    query = document.get("query") or {}
    if query.get("filter", {}).keys() - {"id", "slug", "visible"} or query.get("sort"):
        visible = [_v3(product, site) for product in site.products.values() if product.visible]
    chosen, metadata = wix_filters.page(query, visible, _V3_FILTERABLE)
    fields = document.get("fields") or []
    site.page_is_read()
    products = [_with_fields(_v3(site.products[light["id"]], site), fields) for light in chosen]
    return web.json_response({"products": products, "pagingMetadata": metadata})


async def get_v3(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V3_CATALOG")
    product = _v3(_product(site, call), site)
    return web.json_response({"product": _with_fields(product, call.request.query.getall("fields", []))})


async def collection_v1(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V1_CATALOG")
    collection_id, name = _collection(site, call)
    count = sum(collection_id in product.collections for product in site.products.values())
    collection = {"id": collection_id, "name": name, "slug": name.lower(), "visible": True, "numberOfProducts": count}
    return web.json_response({"collection": collection})


async def category(site: Site, call: Call, world: World) -> web.Response:
    _check_family(site, call, "V3_CATALOG")
    if call.request.query.get("treeReference.appNamespace") != "@wix/stores":
        raise invalid("treeReference.appNamespace", "is required", "REQUIRED")
    collection_id, name = _collection(site, call)
    return web.json_response({"category": {"id": collection_id, "name": name, "visible": True, "revision": "1"}})


ROUTES = [
    ("GET", "/stores/v3/provision/version", "catalog_version", catalog_version),
    ("POST", "/stores-reader/v1/products/query", "products_query", query_v1),
    ("POST", "/stores/v1/products/query", "products_query", query_v1),
    ("GET", "/stores-reader/v1/products/{id}", "product_get", get_v1),
    ("GET", "/stores-reader/v1/collections/{id}", "collection_get", collection_v1),
    ("POST", "/stores/v3/products/query", "products_query", query_v3),
    ("GET", "/stores/v3/products/{id}", "product_get", get_v3),
    ("GET", "/categories/v1/categories/{id}", "collection_get", category),
]


def _collection(site: Site, call: Call) -> tuple[str, str]:
    collection_id = call.request.match_info["id"]
    if collection_id not in site.collections:
        raise not_found("Collection")
    return collection_id, site.collections[collection_id]


def _product(site: Site, call: Call, *, hidden: bool = False) -> Product:
    """V3 shows hidden ones only with the permission to read them; V1's documentation says nothing of it."""
    product = site.products.get(call.request.match_info["id"])
    if product is None or not (product.visible or hidden):
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
        "stock": {"trackInventory": False, "inStock": product.in_stock, "inventoryStatus": _stock(product)},
        "priceData": prices,
        "price": prices,
        "priceRange": {"minValue": product.price, "maxValue": product.price},
        "discount": {"type": "NONE", "value": 0},
        "additionalInfoSections": [],
        "media": {"items": []},
        "productOptions": [
            {"optionType": "drop_down", "name": name, "choices": [{"value": c, "description": c} for c in choices]}
            for name, choices in product.options
        ],
        "productPageUrl": {"base": f"{address.scheme}://{address.netloc}", "path": address.path},
        "numericId": str(_FIRST_NUMERIC_ID + product.number),
        "collectionIds": list(product.collections),
        "brand": product.brand or None,
        "lastUpdated": _CREATED,
        "createdDate": _CREATED,
    }
    if product.image is not None:
        image = product.image.image()
        picture = {"url": image["url"], "width": image["width"], "height": image["height"], "altText": product.name}
        item = {"mediaType": "image", "title": product.name, "id": product.image.id, "image": picture}
        document["media"] = {"mainMedia": item, "items": [item]}
    return _as_wished(document, product)


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
        "inventory": {"availabilityStatus": _stock(product)},
        "options": [
            {"name": name, "choicesSettings": {"choices": [{"choiceType": "CHOICE_TEXT", "name": c} for c in choices]}}
            for name, choices in product.options
        ],
        "allCategoriesInfo": {"categories": [{"id": known, "index": 0} for known in product.collections]},
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
    if product.brand:
        document["brand"] = {"id": product.brand.lower(), "name": product.brand}
    return _as_wished(document, product)


def _stock(product: Product) -> str:
    return "IN_STOCK" if product.in_stock else "OUT_OF_STOCK"


def _as_wished(document: dict[str, Any], product: Product) -> dict[str, Any]:
    return {name: value for name, value in (document | product.more).items() if value is not None}


def _with_fields(product: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """Without being asked for by name, the address, the currency, the texts and the list of media stay away."""
    hidden = {name for name, flag in _V3_OPTIONAL.items() if flag not in fields}
    shown = {name: value for name, value in product.items() if name not in hidden}
    if "MEDIA_ITEMS_INFO" not in fields:
        shown["media"] = {name: value for name, value in product["media"].items() if name != "itemsInfo"}
    return shown
