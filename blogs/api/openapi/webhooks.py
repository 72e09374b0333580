"""What we send to a shop's own endpoint, as the `webhooks` of OpenAPI 3.1. `blogs.outgoing.payload` writes the bodies."""

from __future__ import annotations

from typing import Any

from blogs.models import Status
from blogs.outgoing import outbox

_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
_HEADERS = [
    ("webhook-id", "The same for each sending of one message: remember those that you have seen.", "string", _ID),
    ("webhook-timestamp", "When this was sent, in Unix time. Refuse what is older than 5 minutes.", "string", "1795871111"),
    (
        "webhook-signature",
        "`v1,` and an HMAC-SHA256 of `<id>.<timestamp>.<body>` in base64; after a rotation two, with a space between.",
        "string",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
]  # fmt: skip
_ABOUT = {
    outbox.BLOG_QUEUED: "A blog has its place in line, also after a retry",
    outbox.BLOG_STARTED: "A blog's first stage begins",
    outbox.BLOG_COMPLETED: "A blog is DONE: its draft exists",
    outbox.BLOG_FAILED: "A blog has failed; `code` says why",
    outbox.BLOG_CANCELLED: "A blog was cancelled",
    outbox.BLOG_PUBLISHED: "A blog's post was published by us",
    outbox.BLOG_PUBLISH_FAILED: "A blog's post could not be published; `code` says why",
    outbox.BLOG_NEEDS_REVIEW: "A blog is DONE, and its article is held: a person decides whether it is published",
    outbox.CREDITS_LOW: "Few credits are left",
    outbox.SITE_DISCONNECTED: "The app was removed from the site",
    outbox.WEBHOOK_DISABLED: "Another endpoint of the site was switched off",
    outbox.TEST: "Asked for by `POST /api/webhooks/{id}/test`",
}
_STATUS = {
    outbox.BLOG_QUEUED: Status.PENDING,
    outbox.BLOG_STARTED: Status.PROCESSING,
    outbox.BLOG_FAILED: Status.FAILED,
    outbox.BLOG_CANCELLED: Status.CANCELLED,
}
_WITH_POST = (outbox.BLOG_COMPLETED, outbox.BLOG_PUBLISHED, outbox.BLOG_PUBLISH_FAILED, outbox.BLOG_NEEDS_REVIEW)
_CODES = {
    outbox.BLOG_FAILED: "source_not_found",
    outbox.BLOG_PUBLISH_FAILED: "draft_deleted",
    outbox.BLOG_NEEDS_REVIEW: "needs_review",
    outbox.WEBHOOK_DISABLED: "failing",
}
_POST = {
    "draftPostId": "0b3ff9b1-5f0b-4b46-8d4a-1d3f7a1f1c55",
    "draftPostUrl": "https://manage.wix.com/dashboard/…/edit",
    "postUrl": None,
}
_SHAPES: dict[str, Any] = {
    "instanceId": {"type": "string", "format": "uuid"},
    "id": {"type": "integer", "description": "the blog's number"},
    "status": {"type": "string", "enum": list(Status.values), "description": "what the blog was when this happened"},
    "draftPostId": {"type": ["string", "null"], "format": "uuid"},
    "draftPostUrl": {"type": ["string", "null"]},
    "postUrl": {"type": ["string", "null"]},
    "metadata": {
        "type": ["object", "null"],
        "additionalProperties": {"type": "string"},
        "description": "yours; null where it would make the message too large",
    },
    "code": {"type": "string"},
    "available": {"type": "integer"},
    "held": {"type": "integer"},
}


def _data(event: str) -> dict[str, Any]:
    """Give an example of what a message says of its event."""
    data: dict[str, Any] = {"instanceId": "7d9c1f0e-2f63-4c8b-9f0e-3b2f4c6d8e90"}
    if event.startswith("blog."):
        data |= {"id": 62, "status": _STATUS.get(event, Status.DONE).value}
        data |= _POST if event in _WITH_POST else {}
        data["metadata"] = {"order": "17"}
    if event == outbox.CREDITS_LOW:
        data |= {"available": 50, "held": 25}
    if event in _CODES:
        data["code"] = _CODES[event]
    return data


def _described(event: str) -> dict[str, Any]:
    data = _data(event)
    shape = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": event},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {
                "type": "object",
                "required": list(data),
                "properties": {name: _SHAPES[name] for name in data},
            },
        },
    }
    example = {"type": event, "timestamp": "2026-11-28T13:05:11.201734+00:00", "data": data}
    parameters = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": about,
            "schema": {"type": kind},
            "example": shown,
        }
        for name, about, kind, shown in _HEADERS
    ]
    return {
        "post": {
            "operationId": "on" + "".join(map(str.capitalize, event.replace("_", ".").split("."))),
            "summary": _ABOUT.get(event, event),
            "description": f"{_ABOUT.get(event, event)}. In the form of Standard Webhooks.",
            "tags": ["Webhooks"],
            "security": [],
            "parameters": parameters,
            "requestBody": {"required": True, "content": {"application/json": {"schema": shape, "example": example}}},
            "responses": {
                "2XX": {"description": "It has arrived. Answer within 15 seconds, and work afterwards."},
                "410": {"description": "Switches the endpoint off at once."},
                "4XX": {"description": "It is sent again, for three days; `Retry-After` of a 429 is heeded."},
                "5XX": {"description": "It is sent again, for three days; `Retry-After` of a 503 is heeded."},
            },
        }
    }


DESCRIBED = {event: _described(event) for event in (*outbox.TYPES, outbox.TEST)}
