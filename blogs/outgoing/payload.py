"""What a message says: ids, type, time and status, and never an article's text.

It has less than 20,000 bytes, whatever a shop has sent us.
"""

from __future__ import annotations

import json
from typing import Any

from blogs.models import BlogGeneration, Status, WebhookMessage
from blogs.outgoing import outbox
from credits.models import CreditAccount
from wix.models import Site

BYTES_MAX = 20_000
# What the blog was when this happened; what it is by now may be another.
_STATUS = {
    outbox.BLOG_QUEUED: Status.PENDING,
    outbox.BLOG_STARTED: Status.PROCESSING,
    outbox.BLOG_COMPLETED: Status.DONE,
    outbox.BLOG_FAILED: Status.FAILED,
    outbox.BLOG_CANCELLED: Status.CANCELLED,
    outbox.BLOG_PUBLISHED: Status.DONE,
    outbox.BLOG_PUBLISH_FAILED: Status.DONE,
    outbox.BLOG_NEEDS_REVIEW: Status.DONE,
}
_WITH_POST = (outbox.BLOG_COMPLETED, outbox.BLOG_PUBLISHED, outbox.BLOG_PUBLISH_FAILED, outbox.BLOG_NEEDS_REVIEW)


def body_of(message: WebhookMessage, site: Site) -> str:
    """Write a message's body. It is stored before it is first sent, so that each sending is of the same bytes."""
    data: dict[str, Any] = {"instanceId": str(site.instance_id)}
    if message.generation_id is not None:
        data |= _of_blog(message, message.generation_id)
    if message.type == outbox.CREDITS_LOW:
        account = CreditAccount.objects.filter(site=site).first() or CreditAccount()
        data |= {"available": account.available, "held": account.held}
    if message.code:
        data["code"] = message.code
    whole = _written(message, data)
    if len(whole.encode()) >= BYTES_MAX and "metadata" in data:
        return _written(message, {**data, "metadata": None})
    return whole


def _of_blog(message: WebhookMessage, blog_id: int) -> dict[str, Any]:
    blog = BlogGeneration.objects.select_related("details").filter(pk=blog_id).first()
    status = _STATUS.get(message.type)
    data: dict[str, Any] = {"id": blog_id, "status": status.value if status else None}
    if blog is None:
        return data
    if message.type in _WITH_POST:
        draft = str(blog.draft_post_id) if blog.draft_post_id else None
        data |= {"draftPostId": draft, "draftPostUrl": blog.draft_post_url or None, "postUrl": blog.post_url or None}
    details = getattr(blog, "details", None)
    return {**data, "metadata": details.metadata if details else {}}


def _written(message: WebhookMessage, data: dict[str, Any]) -> str:
    said = {"type": message.type, "timestamp": message.created_at.isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
