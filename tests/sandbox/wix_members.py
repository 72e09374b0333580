"""Site members: the only people Wix lets own a post."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from tests.sandbox import wix_filters
from tests.sandbox.provider import Call, Refused
from tests.sandbox.wix_errors import application_error, invalid, malformed
from tests.sandbox.wix_site import Member, Site
from tests.sandbox.world import World

_FILTERABLE = {"id", "loginEmail", "status"}


async def list_members(site: Site, call: Call, world: World) -> web.Response:
    query = call.request.query
    limit, offset = int(query.get("paging.limit", 50)), int(query.get("paging.offset", 0))
    members = _seen(site, world)
    return web.json_response(_page(members, wix_filters.limit_of({"limit": limit}), offset))


async def query_members(site: Site, call: Call, world: World) -> web.Response:
    document = call.document()
    if document is None:
        raise malformed()
    query = document.get("query") or {}
    paging = query.get("paging") or {}
    members = _seen(site, world)
    found = wix_filters.matching(members, query.get("filter") or {}, _FILTERABLE)
    return web.json_response(_page(found, wix_filters.limit_of(paging), int(paging.get("offset", 0))))


async def create_member(site: Site, call: Call, world: World) -> web.Response:
    document = call.document()
    if document is None or not isinstance(document.get("member"), dict):
        raise malformed()
    member = _read(document["member"], world.now())
    # What Wix says to a second member of the same address is not known; a conflict is the likeliest.
    if any(other.login_email == member.login_email for other in site.members.values()):
        raise Refused(application_error(409, "ALREADY_EXISTS", "A member with this loginEmail already exists"))
    site.members[member.id] = member
    return web.json_response({"member": member.as_json()})


def _seen(site: Site, world: World) -> list[dict[str, Any]]:
    lag = float(world.switches["wix_read_lag_seconds"])
    return [member.as_json() for member in site.members.values() if member.created + lag <= world.now()]


def _read(fields: dict[str, Any], now: float) -> Member:
    login_email = fields.get("loginEmail")
    if not isinstance(login_email, str) or "@" not in login_email:
        raise invalid("member.loginEmail", "must be a valid email", "EMAIL")
    nickname = (fields.get("profile") or {}).get("nickname") or login_email.partition("@")[0]
    return Member(str(uuid.uuid4()), login_email.lower(), nickname, fields.get("contact") or {}, now)


def _page(members: list[dict[str, Any]], limit: int, offset: int) -> dict[str, Any]:
    chosen = members[offset : offset + limit]
    return {"members": chosen, "metadata": {"count": len(chosen), "offset": offset, "total": len(members)}}


ROUTES = [
    ("GET", "/members/v1/members", "members_list", list_members),
    ("POST", "/members/v1/members/query", "members_query", query_members),
    ("POST", "/members/v1/members", "member_create", create_member),
]
