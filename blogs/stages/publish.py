"""Publish the draft where the shop asked for it. Publishing twice is harmless, so a retry needs no look."""

from __future__ import annotations

from typing import Any

from blogs.stages import Inputs
from wix import blog


def run(inputs: Inputs) -> dict[str, Any]:
    assert inputs.draft_post_id
    return {"post_id": blog.publish_draft(inputs.instance_id, inputs.draft_post_id, seconds=inputs.seconds)}
