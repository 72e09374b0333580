"""Who signs a site's posts: Wix takes none from us without a site member as their owner."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from wix import http
from wix.app_instance import AppInstance, NotConnected, app_instance
from workers.errors import PermanentError


def find_or_make(instance_id: str, *, seconds: float) -> str:
    """A member's id: the one that we made before, the site's owner, or one that we make now.

    Whoever else is a member is a customer of the shop, and signs only where Wix lets us make nobody. Raises PermanentError
    `no_author`.
    """
    email = f"author-{instance_id}@{settings.WIX_AUTHOR_EMAIL_DOMAIN}"
    if known := _called(instance_id, email, seconds):
        return known
    site = _site(instance_id, seconds)
    if site and site.owner_email and (owner := _called(instance_id, site.owner_email, seconds)):
        return owner
    try:
        return _make(instance_id, email, (site and site.site_name) or "Blog", seconds)
    except http.WixRefused as refused:
        # Two blogs of a new site at the same time: the other one has made it.
        if known := _called(instance_id, email, seconds) or _anybody(instance_id, seconds):
            return known
        raise PermanentError(
            "no_author", f"The site has no member who could sign the post, and Wix lets us make none: {refused.message}"
        ) from refused


def _site(instance_id: str, seconds: float) -> AppInstance | None:
    """Not to be had without a permission that the app may lack."""
    try:
        return app_instance(instance_id, seconds=seconds)
    except NotConnected:
        return None


def _make(instance_id: str, email: str, nickname: str, seconds: float) -> str:
    member = {
        "loginEmail": email,
        "contact": {"firstName": "Blog", "lastName": "Author"},
        "profile": {"nickname": nickname},
    }
    path, body = "/members/v1/members", {"member": member}
    made = http.request(instance_id, "POST", path, operation="member_create", seconds=seconds, body=body)
    return str(http.pick(made, "member", "id"))


def _called(instance_id: str, email: str, seconds: float) -> str | None:
    email = email.lower()  # as Wix keeps them
    body = {"query": {"filter": {"loginEmail": email}}, "fieldsets": ["FULL"]}
    path = "/members/v1/members/query"
    answer = http.request(instance_id, "POST", path, operation="members_query", seconds=seconds, body=body)
    # A filter that Wix ignored would name us anybody.
    return _first([found for found in http.pick(answer, "members") if _email(found) == email])


def _anybody(instance_id: str, seconds: float) -> str | None:
    params = {"fieldsets": "FULL", "paging.limit": 1}
    path = "/members/v1/members"
    answer = http.request(instance_id, "GET", path, operation="members_list", seconds=seconds, params=params)
    return _first(http.pick(answer, "members"))


def _email(member: dict[str, Any]) -> str:
    return str(member.get("loginEmail", "")).lower()


def _first(members: list[dict[str, Any]]) -> str | None:
    return str(http.pick(members, 0, "id")) if members else None
