"""Stage: orders the picture as soon as there is an idea. It is made while the article is written."""

from __future__ import annotations

from typing import Any

from blogs.models import Cover, Stage
from blogs.providers import replicate
from blogs.stages.inputs import Inputs
from blogs.stages.photos import photographed


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the order's id, or nothing where a product's own photo is wanted and there is one."""
    if inputs.cover == Cover.PRODUCT and photographed(inputs):
        return {}
    # Generators garble letters, and draw logos that are other people's property.
    prompt = f"{inputs.of(Stage.IDEA)['image_prompt']} No text, no letters, no logos."
    return {"prediction_id": replicate.order(prompt, seconds=inputs.seconds)}
