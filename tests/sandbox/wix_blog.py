"""Draft posts: created slowly and without any idempotency key, as at Wix."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.sandbox import ricos_rules, wix_filters
from tests.sandbox.provider import Call, Refused
from tests.sandbox.wix_errors import application_error, invalid, malformed, not_found
from tests.sandbox.wix_site import Draft, Site
from tests.sandbox.world import World, iso

DRAFT_MAX_BYTES = 400 * 1024
CONSISTENT = "X-Wix-Consistent"
_MAX_LENGTH = {"title": 200, "excerpt": 500, "seoSlug": 100}
_MAX_ITEMS = {"categoryIds": 10, "tagIds": 30, "hashtags": 100, "relatedPostIds": 3}
# Stricter than Wix, which ignores what it doesn't know: no test shall believe that `slug` or `content` did anything.
_WRITABLE = {
    "title", "memberId", "excerpt", "richContent", "categoryIds", "tagIds", "hashtags", "relatedPostIds", "seoSlug",
    "language", "commentingEnabled", "featured", "media", "seoData", "heroImage", "firstPublishedDate",
}  # fmt: skip
# Of those that Wix can filter by, the ones kept outside a packed draft.
_FILTERABLE = {"id", "title", "status", "editedDate"}


async def create(site: Site, call: Call, world: World) -> web.Response:
    document = call.document()
    if document is None or not isinstance(document.get("draftPost"), dict):
        raise malformed()
    fields = document["draftPost"]
    _check(site, fields, len(call.body), world.now())
    # The client may be gone by the end: the post is made still, as with any server that isn't told.
    await asyncio.sleep(world.seconds("draft"))
    status = "PUBLISHED" if document.get("publish") else "UNPUBLISHED"
    fields = fields | {"categoryIds": [known for known in fields.get("categoryIds", []) if known in site.categories]}
    draft = Draft.write(_as_kept(fields), status=status, now=world.now())
    site.drafts[draft.id] = draft
    answer = {"draftPost": as_json(site, draft, document.get("fieldsets") or [])}
    return web.json_response(answer, headers={CONSISTENT: str(draft.created)})


async def get(site: Site, call: Call, world: World) -> web.Response:
    draft = _draft(site, call)
    if not _is_seen(draft, call, world):
        raise not_found("Draft post")
    return web.json_response({"draftPost": as_json(site, draft, call.request.query.getall("fieldsets", []))})


async def delete(site: Site, call: Call, world: World) -> web.Response:
    draft = _draft(site, call)
    if call.request.query.get("permanent") == "true":
        del site.drafts[draft.id]
    else:
        draft.status = "DELETED"  # in the trash bin
    return web.json_response({})


async def query(site: Site, call: Call, world: World) -> web.Response:
    document = call.document()
    if document is None:
        raise malformed()
    asked = document.get("query") or {}
    if "filter" in asked:
        asked = asked | {"filter": _with_wire_dates(asked["filter"])}
    drafts = [
        {"id": draft.id, "title": draft.title, "status": draft.status, "editedDate": iso(draft.edited)}
        for draft in site.drafts.values()
        if draft.status != "DELETED" and _is_seen(draft, call, world)
    ]
    chosen, metadata = wix_filters.page(asked, drafts, _FILTERABLE)
    fieldsets = document.get("fieldsets") or []
    found = [as_json(site, site.drafts[item["id"]], fieldsets) for item in chosen]
    return web.json_response({"draftPosts": found, "pagingMetadata": metadata})


async def update(site: Site, call: Call, world: World) -> web.Response:
    """Of Wix's actions those that a text's writer needs."""
    draft, document = _draft(site, call), call.document()
    if document is None or not isinstance(document.get("draftPost"), dict):
        raise malformed()
    if document["draftPost"].get("id") != draft.id:
        raise invalid("draftPost.id", "must be the one of the path", "MISMATCH")
    match document.get("action", "UPDATE"):
        case "UPDATE_SCHEDULE":
            at = _wire_date(document.get("scheduledPublishDate", ""))
            if at <= iso(world.now()):
                raise invalid("scheduledPublishDate", "must be in the future", "PAST_DATE")
            draft.status, draft.scheduled_for = "SCHEDULED", at
        case "UPDATE_REVERT_TO_DRAFT":
            draft.status = "UNPUBLISHED"
        case "UPDATE_CANCEL_SCHEDULE":
            draft.status, draft.scheduled_for = "UNPUBLISHED", ""
        case "UPDATE":
            changes = {name: value for name, value in document["draftPost"].items() if name != "id"}
            draft.rewrite(draft.fields() | _as_kept(changes))
        case unknown:
            raise invalid("action", f"is {unknown!r}", "ENUM")
    draft.edited = world.now()
    return web.json_response({"draftPost": as_json(site, draft, document.get("fieldsets") or [])})


async def publish(site: Site, call: Call, world: World) -> web.Response:
    draft = _draft(site, call)
    draft.status, draft.edited = "PUBLISHED", world.now()
    return web.json_response({"postId": draft.id})


async def get_post(site: Site, call: Call, world: World) -> web.Response:
    draft = _draft(site, call)
    if draft.status != "PUBLISHED":
        raise not_found("Post")
    post = as_json(site, draft, call.request.query.getall("fieldsets", []))
    for name in ("status", "hasUnpublishedChanges", "editedDate", "createdDate"):
        del post[name]
    dates = {"firstPublishedDate": iso(draft.edited), "lastPublishedDate": iso(draft.edited)}
    return web.json_response({"post": post | dates | {"slug": _slug(draft.fields()), "pinned": False}})


ROUTES = [
    ("POST", "/blog/v3/draft-posts/query", "draft_query", query),
    ("POST", "/blog/v3/draft-posts", "draft_create", create),
    ("GET", "/blog/v3/draft-posts/{id}", "draft_get", get),
    ("PATCH", "/blog/v3/draft-posts/{id}", "draft_update", update),
    ("DELETE", "/blog/v3/draft-posts/{id}", "draft_delete", delete),
    ("POST", "/blog/v3/draft-posts/{id}/publish", "draft_publish", publish),
    ("GET", "/blog/v3/posts/{id}", "post_get", get_post),
]


def as_json(site: Site, draft: Draft, fieldsets: list[str]) -> dict[str, Any]:
    fields = draft.fields()
    document = {
        "id": draft.id,
        "featured": False,
        "commentingEnabled": True,
        "categoryIds": [],
        "tagIds": [],
        "relatedPostIds": [],
        "pricingPlanIds": [],
        "language": site.language,
        **fields,
        "hashtags": [],  # came back empty in the docs' own example, whatever was sent
        "status": draft.status,
        **({"scheduledPublishDate": draft.scheduled_for} if draft.scheduled_for else {}),
        "hasUnpublishedChanges": False,
        "minutesToRead": fields["minutesToRead"],
        "editedDate": iso(draft.edited),
        "createdDate": iso(draft.created),
    }
    if "RICH_CONTENT" not in fieldsets:
        document.pop("richContent", None)
    if "URL" in fieldsets:
        base = f"https://{_slugified(site.name) or 'shop'}.example"
        document["url"] = {"base": base, "path": f"/post/{_slug(fields)}"}
    return document


def _draft(site: Site, call: Call) -> Draft:
    draft = site.drafts.get(call.request.match_info["id"])
    if draft is None or draft.status == "DELETED":
        raise not_found("Draft post")
    return draft


def _is_seen(draft: Draft, call: Call, world: World) -> bool:
    lag = float(world.switches["wix_read_lag_seconds"])
    mark = call.request.headers.get(CONSISTENT, "")
    return draft.created + lag <= world.now() or draft.created <= float(mark or 0)


def _check(site: Site, fields: dict[str, Any], size: int, now: float) -> None:
    if unknown := fields.keys() - _WRITABLE:
        raise invalid("draftPost", f"has unknown fields {sorted(unknown)}", "UNKNOWN_PROPERTY")
    if not isinstance(fields.get("title"), str) or not fields["title"].strip():
        raise invalid("draftPost.title", "must not be empty", "REQUIRED_FIELD")
    for name, limit in (_MAX_LENGTH | _MAX_ITEMS).items():
        value = fields.get(name, "")
        if not isinstance(value, str if name in _MAX_LENGTH else list | str):
            raise invalid(f"draftPost.{name}", "has the wrong type", "TYPE")
        if len(value) > limit:
            raise invalid(f"draftPost.{name}", f"must be at most {limit} long", "MAX_LENGTH", threshold=limit)
    if size > DRAFT_MAX_BYTES:
        raise Refused(application_error(400, "DRAFT_POST_TOO_LARGE", "A draft post must be smaller than 400 KB"))
    _check_owner(site, fields.get("memberId"))
    # Of categories that it doesn't know Wix says nothing (below); what it says of tags isn't documented.
    if gone := [tag for tag in fields.get("tagIds", []) if tag not in site.tags]:
        raise Refused(application_error(400, "INVALID_ARGUMENT", f"tagIds {gone} do not exist"))
    _check_seo(fields.get("seoData") or {})
    if "richContent" in fields:
        ricos_rules.check(fields["richContent"])
    for field, media_id in _media_ids(fields):
        file = site.media.get(media_id)
        if file is None or file.status(now) == "FAILED":
            raise invalid(field, f"media {media_id} does not exist", "MEDIA_NOT_FOUND")


def _check_owner(site: Site, member_id: Any) -> None:
    if not member_id:
        raise Refused(application_error(400, "INVALID_ARGUMENT", "Missing post owner information"))
    if member_id not in site.members:
        raise Refused(application_error(400, "INVALID_ARGUMENT", f"memberIds [{member_id}] do not exist"))


def _check_seo(seo_data: dict[str, Any]) -> None:
    for number, tag in enumerate(seo_data.get("tags", [])):
        if tag.get("type") in ("title", "script") and tag.get("custom"):
            raise invalid(f"draftPost.seoData.tags[{number}]", "must not be custom", "TAG_TYPE_NOT_ALLOWED")
    if len(seo_data.get("settings", {}).get("keywords", [])) > 5:
        raise invalid("draftPost.seoData.settings.keywords", "must be at most 5", "MAX_SIZE", threshold=5)


def _media_ids(fields: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    cover = (fields.get("media") or {}).get("wixMedia", {}).get("image", {})
    if cover:
        found.append(("draftPost.media.wixMedia.image.id", str(cover.get("id"))))
    for node in ricos_rules.walk(fields.get("richContent", {}).get("nodes", [])):
        if node["type"] == "IMAGE":
            source = node["imageData"]["image"].get("src", {})
            if "id" in source:
                found.append(("draftPost.richContent", source["id"]))
    return found


def _as_kept(fields: dict[str, Any]) -> dict[str, Any]:
    """A cover that isn't both displayed and custom is dropped without a word."""
    cover = fields.get("media") or {}
    kept = fields if cover.get("displayed") and cover.get("custom") else fields | {"media": {"displayed": False}}
    words = ricos_rules.word_count(fields["richContent"]) if "richContent" in fields else 0
    return kept | {"minutesToRead": max(1, round(words / 250))}


def _with_wire_dates(condition: dict[str, Any]) -> dict[str, Any]:
    """Dates are compared as text, so the caller's way of writing them is made ours."""
    wanted = condition.get("editedDate")
    if wanted is None:
        return condition
    operators = wanted if isinstance(wanted, dict) else {"$eq": wanted}
    return condition | {"editedDate": {operator: _wire_date(text) for operator, text in operators.items()}}


def _wire_date(text: str) -> str:
    try:
        return iso(datetime.fromisoformat(text).timestamp())
    except (TypeError, ValueError):
        raise invalid("query.filter.editedDate", "is not a date", "INVALID_FORMAT") from None


def _slug(fields: dict[str, Any]) -> str:
    return fields.get("seoSlug") or _slugified(fields["title"])


def _slugified(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
