"""Stage: publishes the draft if the shop asked for it, now or later. Its calls may be made twice, so a retry needs no look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from blogs.stages.inputs import Inputs
from wix.posts import drafts
from workers.errors import TransientError, WorkError

# A time this near counts as now: Wix refuses a time that is over when the request arrives.
_SOON = timedelta(minutes=1)


def run(inputs: Inputs) -> dict[str, Any]:
    assert inputs.draft_post_id
    at = inputs.publish_at
    if at and at > datetime.now(UTC) + _SOON:
        drafts.schedule_draft(inputs.instance_id, inputs.draft_post_id, at, seconds=inputs.seconds)
        return {"scheduled_for": at.isoformat()}
    post_id = drafts.publish_draft(inputs.instance_id, inputs.draft_post_id, seconds=inputs.seconds)
    return {"post_id": post_id, "post_url": _url(inputs, post_id)}


def _url(inputs: Inputs, post_id: str) -> str:
    try:
        return drafts.post_url(inputs.instance_id, post_id, seconds=inputs.seconds)
    except WorkError as error:
        inputs.warn(
            TransientError("not_read_back", f"The post is published; its address is not known: {error.message}")
        )
        return ""
