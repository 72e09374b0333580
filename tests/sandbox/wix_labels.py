"""Tags and categories of a site's blog. Tags are unique in a blog, though what Wix says to a second one isn't known; whether
categories are isn't either, and here they are not."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from tests.sandbox import wix_filters
from tests.sandbox.provider import Call, Refused
from tests.sandbox.wix_errors import application_error, invalid, malformed
from tests.sandbox.wix_site import Site
from tests.sandbox.world import World

_LABEL_MAX = {"tag": 100, "category": 35}


async def create_tag(site: Site, call: Call, world: World) -> web.Response:
    return web.json_response({"tag": _made(site.tags, "tag", call.document() or {})})


async def query_tags(site: Site, call: Call, world: World) -> web.Response:
    document = call.document()
    if document is None:
        raise malformed()
    paging = (document.get("query") or {}).get("paging") or {}
    tags, page = _page(site.tags, wix_filters.limit_of(paging), int(paging.get("offset", 0)))
    return web.json_response({"tags": tags, "pagingMetadata": page})


async def create_category(site: Site, call: Call, world: World) -> web.Response:
    document = call.document() or {}
    if not isinstance(document.get("category"), dict):
        raise malformed()
    return web.json_response({"category": _made(site.categories, "category", document["category"])})


async def list_categories(site: Site, call: Call, world: World) -> web.Response:
    query = call.request.query
    limit = wix_filters.limit_of({"limit": int(query.get("paging.limit", 50))})
    categories, page = _page(site.categories, limit, int(query.get("paging.offset", 0)))
    return web.json_response({"categories": categories, "metaData": page})


def _made(labels: dict[str, dict[str, Any]], kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    label = fields.get("label")
    if not isinstance(label, str) or not label.strip():
        raise invalid(f"{kind}.label", "must not be empty", "REQUIRED_FIELD")
    if len(label) > _LABEL_MAX[kind]:
        raise invalid(f"{kind}.label", "is too long", "MAX_LENGTH", threshold=_LABEL_MAX[kind])
    if kind == "tag" and any(other["label"] == label for other in labels.values()):
        raise Refused(application_error(409, "ALREADY_EXISTS", f"A {kind} with this label already exists"))
    made: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "label": label,
        "slug": label.lower().replace(" ", "-"),
        "postCount": 0,
    }
    labels[made["id"]] = made
    return made


def _page(labels: dict[str, dict[str, Any]], limit: int, offset: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    chosen = list(labels.values())[offset : offset + limit]
    return chosen, {"count": len(chosen), "offset": offset, "total": len(labels)}


ROUTES = [
    ("POST", "/blog/v3/tags", "tag_create", create_tag),
    ("POST", "/blog/v3/tags/query", "tags_query", query_tags),
    ("POST", "/blog/v3/categories", "category_create", create_category),
    ("GET", "/blog/v3/categories", "categories_list", list_categories),
]
