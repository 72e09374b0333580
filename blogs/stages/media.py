"""Stage: makes each picture a file of the site's media manager. A post can't show a picture from an outside address.

The cover is Replicate's picture. Wix imports it from Replicate's address, where it lies for an hour; where Wix can't fetch it, we
upload it. Or the cover is a product's own photo, if the shop asked for that. The photos within the text are the shop's.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from blogs.article.schema import ArticleContent
from blogs.models import Cover, Stage
from blogs.providers import replicate
from blogs.providers.replicate_files import Picture
from blogs.stages import photos
from blogs.stages.inputs import Inputs
from blogs.stages.marker import marker_of
from wix.posts import media
from wix.posts.media import ImportFailed, MediaFile
from workers.errors import TransientError


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the cover's file, if any, at the top level, and `photos` by product id. The cover, which matters more, comes first."""
    for_cover = photos.photographed(inputs) if inputs.cover == Cover.PRODUCT else []
    tried = photos.photos_of(inputs, for_cover, enough=1)
    chosen = next((photo for photo in tried.values() if photo), None)
    cover = chosen.as_dict() if chosen else _generated(inputs)
    in_text = photos.for_text(inputs, ArticleContent.stored(inputs.of(Stage.ARTICLE)), tried=tried)
    return {**cover, "photos": {product_id: photo.as_dict() for product_id, photo in in_text.items()}}


def _generated(inputs: Inputs) -> dict[str, Any]:
    picture = inputs.of(Stage.IMAGE)
    if not picture:
        return {}
    file = _file(inputs, Picture(picture["url"], picture["mime_type"]))
    alt_text = inputs.of(Stage.IDEA)["image_alt_text"]
    return {"file_id": file.id, "width": file.width, "height": file.height, "alt_text": alt_text}


def _file(inputs: Inputs, picture: Picture) -> MediaFile:
    """Import the picture, unless an earlier run has: a second import would make a second file at Wix."""
    instance_id = inputs.instance_id
    name = _name(inputs, picture.mime_type)
    file_id = media.imported_before(instance_id, name, seconds=inputs.seconds) if inputs.resumed else None
    try:
        file_id = file_id or media.import_image(
            instance_id, picture.url, name, picture.mime_type, seconds=inputs.seconds
        )
        # By then an import is done or has failed without a word, as Wix's own recipes say.
        return media.wait_until_ready(instance_id, file_id, seconds=settings.WIX_MEDIA_STUCK_SECONDS)
    except ImportFailed as failed:
        cause: Exception = failed
    except TransientError as late:
        if late.code != "media_not_ready":
            raise
        cause = late
    return _uploaded(inputs, picture, cause)


def _name(inputs: Inputs, mime_type: str) -> str:
    return f"{marker_of(inputs.generation_id)}.{mime_type.removeprefix('image/').replace('jpeg', 'jpg')}"


def _uploaded(inputs: Inputs, picture: Picture, because: Exception) -> MediaFile:
    seconds = inputs.seconds / 3
    try:
        found = replicate.download(picture, at_most=media.UPLOAD_MAX_BYTES, seconds=seconds)
        name = _name(inputs, found.mime_type)
        file_id = media.upload_image(inputs.instance_id, name, found.mime_type, found.content, seconds=seconds)
    except ImportFailed as failed:
        raise failed from because
    return media.wait_until_ready(inputs.instance_id, file_id, seconds=seconds)
