"""A site's blog: its author and its draft posts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from wix import http
from workers.errors import PermanentError

_DRAFTS = "/blog/v3/draft-posts"


@dataclass(frozen=True, slots=True)
class Draft:
    id: str
    url: str


def author(instance_id: str, *, seconds: float) -> str:
    """The id of a site member who can sign posts; a post without one is refused. Made on sites that have no members."""
    email = f"author-{instance_id}@{settings.WIX_AUTHOR_EMAIL_DOMAIN}"
    if known := _member(instance_id, email, seconds):
        return known
    member = {
        "loginEmail": email,
        "contact": {"firstName": "Blog", "lastName": "Author"},
        "profile": {"nickname": "Blog"},
    }
    try:
        made = http.request(
            instance_id,
            "POST",
            "/members/v1/members",
            operation="member_create",
            seconds=seconds,
            body={"member": member},
        )
    except http.WixRefused:
        # Two blogs of a new site at the same time: the other one has made it.
        if known := _member(instance_id, email, seconds):
            return known
        raise
    return str(http.pick(made, "member", "id"))


def _member(instance_id: str, email: str, seconds: float) -> str | None:
    """The author that we made before, else any member."""
    params = {"fieldsets": "FULL", "paging.limit": 100}
    listed = http.request(
        instance_id, "GET", "/members/v1/members", operation="members_list", seconds=seconds, params=params
    )
    members = http.pick(listed, "members")
    ours = [member for member in members if member.get("loginEmail") == email]
    return str(http.pick(ours or members, 0, "id")) if members else None


def create_draft(
    instance_id: str, draft_post: dict[str, Any], *, seconds: float, before_sending: Callable[[], None]
) -> Draft:
    """One create takes Wix 25 to 30 s, and has no idempotency key: after a timeout, look with `find_drafts` first.

    `before_sending` is called when the request is about to leave, after any waiting for the limit.
    """
    body = {"draftPost": draft_post, "publish": False, "fieldsets": ["URL"]}
    try:
        answer = http.request(
            instance_id,
            "POST",
            _DRAFTS,
            operation="draft_create",
            seconds=seconds,
            body=body,
            before_sending=before_sending,
        )
    except http.WixRefused as refused:
        if refused.status in (404, 428):
            raise PermanentError("blog_not_installed", "The Wix Blog app is not installed on this site.") from None
        raise
    return _draft(http.pick(answer, "draftPost"))


def find_drafts(
    instance_id: str, title: str, edited_since: datetime, *, seconds: float
) -> list[tuple[Draft, dict[str, Any]]]:
    """Drafts of exactly this title edited since then, each with its rich content."""
    body = {
        "query": {
            "filter": {"title": title, "editedDate": {"$gte": edited_since.isoformat().replace("+00:00", "Z")}},
            "sort": [{"fieldName": "editedDate", "order": "ASC"}],
            "cursorPaging": {"limit": 50},
        },
        "fieldsets": ["URL", "RICH_CONTENT"],
    }
    answer = http.request(instance_id, "POST", f"{_DRAFTS}/query", operation="draft_query", seconds=seconds, body=body)
    return [(_draft(found), found.get("richContent") or {}) for found in http.pick(answer, "draftPosts")]


def delete_draft(instance_id: str, draft_id: str, *, seconds: float) -> None:
    http.request(instance_id, "DELETE", f"{_DRAFTS}/{draft_id}", operation="draft_delete", seconds=seconds)


def publish_draft(instance_id: str, draft_id: str, *, seconds: float) -> str:
    """The published post's id. On a published post it updates the post, so that twice is fine."""
    answer = http.request(
        instance_id, "POST", f"{_DRAFTS}/{draft_id}/publish", operation="draft_publish", seconds=seconds, body={}
    )
    return str(http.pick(answer, "postId"))


def _draft(found: dict[str, Any]) -> Draft:
    url = found.get("url") or {}
    return Draft(str(http.pick(found, "id")), f"{url.get('base', '')}{url.get('path', '')}"[:1000])
