"""The draft posts of a site's blog: made, found, published, scheduled and deleted at Wix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wix.client import http
from wix.client.fields import (
    list_in,
    moment,
    object_in,
    pick,
    picked_id,
    picked_objects,
    picked_uuid,
    text_in,
    uuid_or_none,
)
from workers.errors import PermanentError, TransientError

_DRAFTS = "/blog/v3/draft-posts"
# What Wix answers on a site without its Blog app is not documented. Calls of other apps that are missing get 428, a wrong path 404.
_NO_BLOG = (404, 428)
_BY_EDITED = [{"fieldName": "editedDate", "order": "ASC"}]
# Twenty of the largest drafts make half of the largest answer that we take.
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as Wix has it, which may differ from what we sent: it rewrites slugs, and silently drops what it doesn't know."""

    id: str
    url: str
    slug: str = ""
    member_id: str = ""
    has_cover: bool = False
    tag_ids: frozenset[str] = frozenset()
    category_ids: frozenset[str] = frozenset()


def create_draft(
    instance_id: str, draft_post: dict[str, Any], *, seconds: float, before_sending: Callable[[], None]
) -> Draft:
    """Create a draft, once: it has no idempotency key, and takes Wix 25 to 30 s. After a timeout, look with `find_drafts` first.

    `before_sending` is called when the request is about to leave, after any waiting for the limit. Raises PermanentError
    `blog_not_installed`.
    """
    about: dict[str, Any] = {
        "body": {"draftPost": draft_post, "publish": False, "fieldsets": ["URL"]},
        "before_sending": before_sending,
    }
    with _blog_installed():
        answer = http.request(instance_id, "POST", _DRAFTS, operation="draft_create", seconds=seconds, **about)
    return _draft(pick(answer, "draftPost"))


@contextmanager
def _blog_installed() -> Iterator[None]:
    try:
        yield
    except http.WixRefused as refused:
        if refused.status in _NO_BLOG:
            raise PermanentError("blog_not_installed", "The Wix Blog app is not installed on this site.") from None
        raise


def read_draft(instance_id: str, draft_id: str, *, seconds: float) -> Draft:
    path, params = f"{_DRAFTS}/{draft_id}", {"fieldsets": "URL"}
    answer = http.request(instance_id, "GET", path, operation="draft_get", seconds=seconds, params=params)
    return _draft(pick(answer, "draftPost"))


@dataclass(frozen=True, slots=True)
class HeldDraft:
    """A draft with its text, and what became of it: Wix keeps a published post's draft under the same id."""

    id: str
    title: str
    status: str
    url: str
    rich_content: dict[str, Any]
    edited_at: datetime | None
    scheduled_for: datetime | None
    has_unpublished_changes: bool

    @property
    def is_published(self) -> bool:
        return self.status == "PUBLISHED"


def read_held(instance_id: str, draft_id: str, *, seconds: float) -> HeldDraft | None:
    """Read a draft with its text; None where it is gone, or in the trash bin."""
    path, params = f"{_DRAFTS}/{draft_id}", {"fieldsets": ["URL", "RICH_CONTENT"]}
    try:
        answer = http.request(instance_id, "GET", path, operation="draft_get", seconds=seconds, params=params)
    except http.WixRefused as refused:
        if refused.status != 404:
            raise
        return None
    found = object_in(answer, "draftPost")
    if text_in(found, "status") == "DELETED":
        return None
    return HeldDraft(
        id=picked_uuid(found, "id"),
        title=text_in(found, "title"),
        status=text_in(found, "status"),
        url=_address(found),
        rich_content=object_in(found, "richContent"),
        edited_at=moment(found.get("editedDate")),
        scheduled_for=moment(found.get("scheduledPublishDate")),
        has_unpublished_changes=bool(found.get("hasUnpublishedChanges")),
    )


@dataclass(frozen=True, slots=True)
class Post:
    url: str
    published_at: datetime | None


def read_post(instance_id: str, post_id: str, *, seconds: float) -> Post:
    path, params = f"/blog/v3/posts/{quote(post_id, safe='')}", {"fieldsets": "URL"}
    answer = http.request(instance_id, "GET", path, operation="post_get", seconds=seconds, params=params)
    published_at = moment(object_in(answer, "post").get("firstPublishedDate"))
    return Post(_address(pick(answer, "post")), published_at)


def find_drafts(instance_id: str, title: str, since: datetime, *, seconds: float) -> list[tuple[Draft, dict[str, Any]]]:
    """Find drafts of exactly this title that were edited since then, each with its rich content; none from the trash bin."""
    body = {
        "query": {
            "filter": {"title": title, "editedDate": {"$gte": _wire(since)}},
            "sort": _BY_EDITED,
            "cursorPaging": {"limit": 50},
        },
        "fieldsets": ["URL", "RICH_CONTENT"],
    }
    answer = http.request(instance_id, "POST", f"{_DRAFTS}/query", operation="draft_query", seconds=seconds, body=body)
    kept = [each for each in picked_objects(answer, "draftPosts") if each.get("status") != "DELETED"]
    return [(_draft(found), object_in(found, "richContent")) for found in kept]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a site's drafts, each with its rich content, and when the last of them was edited."""

    drafts: list[tuple[Draft, dict[str, Any]]]
    edited_to: datetime | None

    def __iter__(self) -> Iterator[tuple[Draft, dict[str, Any]]]:
        return iter(self.drafts)


def edited_since(instance_id: str, since: datetime, *, seconds: float) -> Iterator[Page]:
    """Read the site's drafts and posts that were edited since then, page by page, the one edited first first.

    What lies in the trash bin is not among them. Raises PermanentError `blog_not_installed`.
    """
    asked: dict[str, Any] = {"filter": {"editedDate": {"$gte": _wire(since)}}, "sort": _BY_EDITED}
    cursor = None
    while True:
        # The cursor stands for filter and order: Wix refuses both beside it.
        query = (
            {"cursorPaging": {"limit": _PAGE, "cursor": cursor}}
            if cursor
            else {**asked, "cursorPaging": {"limit": _PAGE}}
        )
        body = {"query": query, "fieldsets": ["URL", "RICH_CONTENT"]}
        with _blog_installed():
            answer = http.request(
                instance_id, "POST", f"{_DRAFTS}/query", operation="draft_query", seconds=seconds, body=body
            )
        found = picked_objects(answer, "draftPosts")
        edited = [at for each in found if (at := moment(each.get("editedDate")))]
        kept = [each for each in found if each.get("status") != "DELETED"]
        yield Page([(_draft(each), object_in(each, "richContent")) for each in kept], max(edited, default=None))
        paging = object_in(answer, "pagingMetadata")
        following = text_in(object_in(paging, "cursors"), "next")
        if not following and not paging.get("hasNext"):
            return
        if not following or following == cursor:
            raise TransientError("wix_unavailable", "Wix says that there are more drafts, and not where.")
        cursor = following


def rewrite_draft(instance_id: str, draft_id: str, draft_post: dict[str, Any], *, seconds: float) -> Draft:
    """Give a draft another text. Doing it twice is safe. Of a published post, its readers see the old one until it is published."""
    body = {"draftPost": {**draft_post, "id": draft_id}, "action": "UPDATE", "fieldsets": ["URL"]}
    path = f"{_DRAFTS}/{draft_id}"
    answer = http.request(instance_id, "PATCH", path, operation="draft_update", seconds=seconds, body=body)
    return _draft(pick(answer, "draftPost"))


def delete_draft(instance_id: str, draft_id: str, *, seconds: float) -> bool:
    """Move a draft to the trash bin; False where it is not there any more."""
    try:
        http.request(instance_id, "DELETE", f"{_DRAFTS}/{draft_id}", operation="draft_delete", seconds=seconds)
    except http.WixRefused as refused:
        if refused.status != 404:
            raise
        return False
    return True


def publish_draft(instance_id: str, draft_id: str, *, seconds: float) -> str:
    """Publish a draft and return the post's id. Doing it twice is safe: a published post is updated."""
    path = f"{_DRAFTS}/{draft_id}/publish"
    answer = http.request(instance_id, "POST", path, operation="draft_publish", seconds=seconds, body={})
    return picked_id(answer, "postId")


def schedule_draft(instance_id: str, draft_id: str, at: datetime, *, seconds: float) -> None:
    """Have Wix publish the draft at a time. Doing it twice is safe: another time replaces the first."""
    body = {
        "draftPost": {"id": draft_id},
        "action": "UPDATE_SCHEDULE",
        "scheduledPublishDate": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    path = f"{_DRAFTS}/{draft_id}"
    http.request(instance_id, "PATCH", path, operation="draft_update", seconds=seconds, body=body)


def post_url(instance_id: str, post_id: str, *, seconds: float) -> str:
    return read_post(instance_id, post_id, seconds=seconds).url


def _draft(found: Any) -> Draft:
    """Read a draft, of which only the id must be there."""
    cover, path = object_in(found, "media"), text_in(object_in(found, "url"), "path")
    member_id = uuid_or_none(text_in(found, "memberId"))
    return Draft(
        id=picked_uuid(found, "id"),
        url=_address(found),
        slug=(path.rstrip("/").rpartition("/")[2] or text_in(found, "seoSlug"))[:200],
        member_id=str(member_id or ""),
        has_cover=bool(cover.get("displayed") and cover.get("wixMedia")),
        tag_ids=frozenset(map(str, list_in(found, "tagIds"))),
        category_ids=frozenset(map(str, list_in(found, "categoryIds"))),
    )


def _address(found: Any) -> str:
    """Return the post's address as Wix says it, if a link may lead there."""
    url = object_in(found, "url")
    address = f"{text_in(url, 'base')}{text_in(url, 'path')}"
    return address if address.startswith(("https://", "http://")) and len(address) <= 1_000 else ""


def _wire(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
