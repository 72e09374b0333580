"""Finds who signs a site's posts: Wix takes no post from us without a site member as its owner."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings

from wix.client import http
from wix.client.answers import NotConnected
from wix.client.app_instance import AppInstance, app_instance
from wix.client.fields import picked_objects, picked_uuid, text_in
from workers.errors import PermanentError, TransientError

# What Wix answers where a permission is missing: 403, and sometimes 401.
_FORBIDDEN = (401, 403)


def find_or_make(instance_id: str, *, seconds: float) -> str:
    """Return a member's id: of the one that we made before, of the site's owner, or of one that we make now.

    Any other member is a customer of the shop, and signs only where Wix doesn't let us make a member. Raises PermanentError
    `no_author`, and TransientError for a member who was made a moment ago and is not shown yet.
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
        if _is_there(refused):
            # Two blogs of a new site at the same time, or a create whose answer was lost.
            if known := _called(instance_id, email, seconds):
                return known
            raise TransientError(
                "author_not_shown", "Wix has the member who signs, and doesn't show it yet."
            ) from refused
        if refused.status in _FORBIDDEN and (anybody := _anybody(instance_id, seconds)):
            return anybody
        raise PermanentError(
            "no_author", f"The site has no member who could sign the post, and Wix lets us make none: {refused.message}"
        ) from refused


def _is_there(refused: http.WixRefused) -> bool:
    """Say whether the member exists. What Wix answers to a second one is not documented: 409, or 400 with a word for it."""
    said = " ".join([refused.application_code, *refused.rules, refused.message]).lower()
    return refused.status == 409 or (refused.status == 400 and bool(re.search(r"already|duplicate", said)))


def _site(instance_id: str, seconds: float) -> AppInstance | None:
    """Read the app's instance; None where the app may not."""
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
    return picked_uuid(made, "member", "id")


def _called(instance_id: str, email: str, seconds: float) -> str | None:
    """Find a member by address; None too where we may not look, since we may still be allowed to make one."""
    email = email.lower()  # as Wix keeps them
    body = {"query": {"filter": {"loginEmail": email}}, "fieldsets": ["FULL"]}
    found = _members(instance_id, "POST", "/members/v1/members/query", "members_query", seconds, body=body)
    # If Wix ignored the filter, it would name just any member.
    return _first([member for member in found if _email(member) == email])


def _anybody(instance_id: str, seconds: float) -> str | None:
    params = {"fieldsets": "FULL", "paging.limit": 1}
    return _first(_members(instance_id, "GET", "/members/v1/members", "members_list", seconds, params=params))


def _members(
    instance_id: str, method: str, path: str, operation: str, seconds: float, **asked: Any
) -> list[dict[str, Any]]:
    try:
        answer = http.request(instance_id, method, path, operation=operation, seconds=seconds, **asked)
    except http.WixRefused as refused:
        if refused.status not in _FORBIDDEN:
            raise
        return []
    return picked_objects(answer, "members")


def _email(member: dict[str, Any]) -> str:
    return text_in(member, "loginEmail").lower()


def _first(members: list[dict[str, Any]]) -> str | None:
    return picked_uuid(members, 0, "id") if members else None
