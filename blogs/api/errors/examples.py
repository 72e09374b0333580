"""An example of each problem, with the members that its code brings: for the page about the code, and for the API's description."""

from __future__ import annotations

from typing import Any

from blogs.api.errors.codes import CODES, address

_MORE: dict[str, dict[str, Any]] = {
    "invalid": {
        "errors": [
            {
                "field": "scheduleAt",
                "code": "unknown",
                "message": "scheduleAt: unknown; did you mean scheduledAt?",
            }
        ]
    },
    "insufficient_credits": {"required": 25, "available": 10, "upgradeUrl": "https://www.wix.com/apps/upgrade/…"},
    "plan_limit": {"estimatedWaitSeconds": 240, "upgradeUrl": "https://www.wix.com/apps/upgrade/…"},
    "queue_full": {"estimatedWaitSeconds": 600},
    "site_queue_full": {"estimatedWaitSeconds": 600},
    "schedule_full": {"estimatedWaitSeconds": None},
    "duplicate_topic": {"topic": "Cold brew at home", "blogId": 61, "postUrl": None},
    "idea_used": {"blogId": 61},
    "wrong_state": {"blogStatus": "DONE", "possible": ["publish"]},
    "not_ready": {"blogStatus": "PROCESSING", "possible": ["cancel"]},
    "unknown_products": {"unknown": ["5f1c7a2e-0000-4000-8000-000000000000"]},
}


def example(code: str) -> dict[str, Any]:
    about = CODES[code]
    return {
        "type": address(code),
        "title": about.title,
        "status": about.http,
        "code": code,
        "detail": about.means,
        "retryable": about.retryable,
        "requestId": "0f8c1d0c2b6e4d0f9a7be349ab9461c4",
        **_MORE.get(code, {}),
    }
