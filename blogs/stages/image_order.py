"""Stage: orders the picture as soon as there is an idea. It is made while the article is written.

Replicate has no idempotency key, and each order is paid. A run that finds an order begun looks for it before it orders another.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.models import Cover, Stage
from blogs.providers import replicate
from blogs.stages.inputs import Inputs
from blogs.stages.photos import photographed
from workers.errors import PermanentError


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the order's id, or nothing where a product's own photo is wanted and there is one."""
    if inputs.cover == Cover.PRODUCT and photographed(inputs):
        return {}
    # Generators garble letters, and draw logos that are other people's property.
    prompt = f"{inputs.of(Stage.IDEA)['image_prompt']} No text, no letters, no logos."
    ordered = _ordered_before(inputs, prompt) if inputs.resumed else None
    return {"prediction_id": ordered or replicate.order(prompt, seconds=inputs.seconds)}


def _ordered_before(inputs: Inputs, prompt: str) -> str | None:
    """Look for the order of an earlier run, whose answer was lost. A server that can't be asked for it is one that has none."""
    try:
        # No run begins to order after the patience is over.
        longest = settings.BLOG_IMAGE_PATIENCE_SECONDS + 2 * inputs.seconds
        return replicate.ordered_before(prompt, within_seconds=longest, seconds=inputs.seconds)
    except PermanentError:
        return None
