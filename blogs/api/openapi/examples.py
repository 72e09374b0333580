"""The examples of answers: one shop's blog on its way, and what belongs to it. A test compares each with its shape."""

from __future__ import annotations

from typing import Any

_HOST = "https://blogs.example.com"

REQUEST: dict[str, Any] = {
    "sourceType": "title",
    "sourceId": "Five ways to brew coffee",
    "tone": "expert",
    "length": "short",
    "metadata": {"order": "17"},
}
LISTED: dict[str, Any] = {
    "id": 61,
    "status": "PENDING",
    "stage": "products",
    "progress": {"stage": 1, "of": 7},
    "attempts": 0,
    "queuePosition": 1,
    "estimatedWaitSeconds": 0,
    "estimatedStart": {"early": "2026-11-28T13:04:02Z", "late": "2026-11-28T13:04:04Z"},
    "estimatedEnd": {"early": "2026-11-28T13:04:55Z", "late": "2026-11-28T13:05:28Z"},
    "waitsFor": None,
    "creditsHeld": 25,
    "sourceType": "title",
    "sourceId": "Five ways to brew coffee",
    "language": "",
    "tone": "expert",
    "length": "short",
    "cover": "generated",
    "categories": [],
    "metadata": {"order": "17"},
    "productIds": [],
    "instructions": "",
    "onDuplicate": "warn",
    "publish": False,
    "publishAt": None,
    "publishAtLocal": None,
    "scheduledAt": None,
    "scheduledAtLocal": None,
    "timeZone": None,
    "cancelRequested": False,
    "possible": ["cancel", "reschedule", "put-off"],
    "createdAt": "2026-11-28T13:04:02.118409Z",
    "startedAt": None,
    "finishedAt": None,
    "updatedAt": "2026-11-28T13:04:02.118409Z",
    "draftPostId": None,
    "draftPostUrl": "",
    "draftPostSlug": "",
    "postUrl": "",
    "needsReview": False,
    "error": None,
}
BLOG: dict[str, Any] = {**LISTED, "article": None, "publishing": None, "quality": None, "warnings": []}
_IN_NO_LINE = {"queuePosition": None, "estimatedWaitSeconds": None, "estimatedStart": None, "estimatedEnd": None}
_FINISHED = {
    **_IN_NO_LINE,
    "creditsHeld": 0,
    "startedAt": "2026-11-28T13:04:02.301552Z",
    "finishedAt": "2026-11-28T13:05:11.201734Z",
    "updatedAt": "2026-11-28T13:05:11.201734Z",
}
DONE: dict[str, Any] = {
    **BLOG,
    **_FINISHED,
    "status": "DONE",
    "stage": "draft",
    "progress": {"stage": 7, "of": 7},
    "attempts": 1,
    "possible": ["publish"],
    "draftPostId": "0b3ff9b1-5f0b-4b46-8d4a-1d3f7a1f1c55",
    "draftPostUrl": "https://manage.wix.com/dashboard/…/blog/0b3ff9b1-5f0b-4b46-8d4a-1d3f7a1f1c55/edit",
    "draftPostSlug": "five-ways-to-brew-coffee",
    "article": f"{_HOST}/api/blog-generation/61/article",
    "warnings": [
        {"stage": "image", "code": "image_given_up", "message": "The picture could not be made; the post has none."}
    ],
}
HELD: dict[str, Any] = {
    **DONE,
    "needsReview": True,
    "possible": ["repair", "rewrite", "publish"],
    "quality": {
        "version": 2,
        "score": 75,
        "held": True,
        "critic": "",
        "findings": [
            {"check": "price", "level": "error", "place": "section 2", "quote": "$49.90", "done": ""},
        ],
    },
    "warnings": [
        {
            "stage": "article",
            "code": "needs_review",
            "message": "A person should read it before it is published: price in section 2: “$49.90”.",
        }
    ],
}
CANCELLED: dict[str, Any] = {**BLOG, **_FINISHED, "startedAt": None, "status": "CANCELLED", "possible": ["retry"]}
RESCHEDULED: dict[str, Any] = {
    **BLOG,
    **_IN_NO_LINE,
    "scheduledAt": "2026-12-24T08:00:00Z",
    "scheduledAtLocal": "2026-12-24T09:00:00+01:00",
    "timeZone": "Europe/Berlin",
}
PUT_OFF: dict[str, Any] = {**BLOG, **_IN_NO_LINE}
PUBLISHING: dict[str, Any] = {
    **DONE,
    "publishing": {"askedAt": "2026-11-28T13:10:00.501200Z", "endedAt": None, "error": None},
}


def page(*results: dict[str, Any], path: str = "blog-generation") -> dict[str, Any]:
    return {"next": f"{_HOST}/api/{path}?cursor=cD02MQ%3D%3D", "previous": None, "results": list(results)}


def only(*results: dict[str, Any]) -> dict[str, Any]:
    return {"results": list(results)}
