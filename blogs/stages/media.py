"""The picture into the site's media manager: outside addresses don't render in a post, and Replicate's live an hour."""

from __future__ import annotations

from typing import Any

from blogs.models import Stage
from blogs.stages import Inputs
from wix import media


def run(inputs: Inputs) -> dict[str, Any]:
    picture = inputs.of(Stage.IMAGE)
    if not picture:
        return {}
    name = f"blog-{inputs.generation_id}.{picture['mime_type'].removeprefix('image/').replace('jpeg', 'jpg')}"
    file_id = media.import_image(inputs.instance_id, picture["url"], name, picture["mime_type"], seconds=inputs.seconds)
    file = media.wait_until_ready(inputs.instance_id, file_id, seconds=inputs.seconds)
    return {"file_id": file.id, "width": file.width, "height": file.height}
