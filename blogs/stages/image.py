"""Stage: collects the picture that was ordered. By now it is usually finished."""

from __future__ import annotations

from typing import Any

from blogs.models import Stage
from blogs.providers import replicate
from blogs.stages.inputs import Inputs


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the picture's address, or nothing where the order was given up: the blog goes on without a picture."""
    prediction_id = inputs.of(Stage.IMAGE_ORDER).get("prediction_id")
    if not prediction_id:
        return {}
    picture = replicate.collect(prediction_id, seconds=inputs.seconds)
    return {"url": picture.url, "mime_type": picture.mime_type}
