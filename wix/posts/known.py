"""The posts of a site's blog as far as others need to know them: title, address, language, and whether they are published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wix.client import http
from wix.client.fields import object_in, picked_objects, text_in, uuid_or_none
from workers.errors import TransientError

# Wix keeps a published post's draft under the same id, so one list has both.
_PATH = "/blog/v3/draft-posts/query"
_PAGE = 100
_PAGES = 20
_NEWEST_FIRST = [{"fieldName": "editedDate", "order": "DESC"}]
# What Wix answers on a site without its Blog app (`drafts.py`).
_NO_BLOG = (404, 428)


@dataclass(frozen=True, slots=True)
class KnownPost:
    id: str
    title: str
    url: str
    language: str
    published: bool


def pages(instance_id: str, *, seconds: float) -> Iterator[list[KnownPost]]:
    """Read the 2,000 posts and drafts that were edited last, page by page, without their texts. None, where there is no blog.

    What lies in the trash bin is not among them.
    """
    cursor = ""
    for _ in range(_PAGES):
        paging = {"limit": _PAGE, "cursor": cursor} if cursor else {"limit": _PAGE}
        query = {"cursorPaging": paging} if cursor else {"sort": _NEWEST_FIRST, "cursorPaging": paging}
        body = {"query": query, "fieldsets": ["URL"]}
        try:
            answer = http.request(instance_id, "POST", _PATH, operation="posts_query", seconds=seconds, body=body)
        except http.WixRefused as refused:
            if refused.status not in _NO_BLOG:
                raise
            return
        found = picked_objects(answer, "draftPosts")
        yield [post for each in found if (post := _post(each))]
        metadata = object_in(answer, "pagingMetadata")
        following = text_in(object_in(metadata, "cursors"), "next")
        if not following:
            return
        if following == cursor:
            raise TransientError("wix_unavailable", "Wix says that there are more posts, and not where.")
        cursor = following


def _post(found: dict[str, object]) -> KnownPost | None:
    post_id, title, status = (
        uuid_or_none(text_in(found, "id")),
        text_in(found, "title").strip(),
        text_in(found, "status"),
    )
    if post_id is None or not title or status == "DELETED":
        return None
    url = object_in(found, "url")
    address = f"{text_in(url, 'base')}{text_in(url, 'path')}"
    if not address.startswith(("https://", "http://")) or len(address) > 1_000:
        address = ""
    return KnownPost(str(post_id), title, address, text_in(found, "language"), status == "PUBLISHED")
