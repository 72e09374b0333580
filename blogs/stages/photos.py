"""The shop's own photos: which products have one, and how it becomes a file that a post may show."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from blogs.article.plain_text import one_line
from blogs.article.schema import ALT_TEXT_MAX, ArticleContent, Image, ProductBlock
from blogs.models import Stage
from blogs.stages.inputs import Inputs
from wix.posts import media
from wix.writing_systems import shortened
from workers.context.deadline import DeadlineExceeded, remaining, within
from workers.errors import PermanentError, WorkError

# Each photo takes a call or more of the site's 200 a minute, and a post of 500 words needs no fourth.
IN_TEXT_MAX = 3
# Errors that make us skip this photo. Any other transient error means that Wix itself fails: the whole stage is retried.
_TOO_SLOW = ("media_not_ready", "timeout")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo whose `file_id` is in the site's media manager, and ready."""

    file_id: str
    width: int
    height: int
    alt_text: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def photographed(inputs: Inputs) -> list[dict[str, Any]]:
    """Return the products that have a photo, in their order."""
    return [product for product in inputs.of(Stage.PRODUCTS)["products"] if product["image_id"]]


Tried = dict[str, Photo | None]
"""Photos by product id; None for a photo that can't be had."""


def for_text(inputs: Inputs, article: ArticleContent, *, tried: Tried) -> dict[str, Photo]:
    """Return photos by product id, for the blocks that show one. Warns of a photo that can't be had."""
    shown = {block.product_id for block in article.blocks if isinstance(block, ProductBlock | Image)}
    products = [product for product in photographed(inputs) if product["id"] in shown][:IN_TEXT_MAX]
    untried = [product for product in products if product["id"] not in tried]
    photos = {**tried, **photos_of(inputs, untried, enough=IN_TEXT_MAX)}
    return {product["id"]: photo for product in products if (photo := photos[product["id"]])}


def photos_of(inputs: Inputs, products: list[dict[str, Any]], *, enough: int) -> Tried:
    """Get one photo after the other until there are enough, in a third of the stage's time. Each has what the earlier ones left."""
    ends_at = time.monotonic() + inputs.seconds / 3
    tried: Tried = {}
    for left, product in zip(range(len(products), 0, -1), products, strict=True):
        tried[product["id"]] = _photo_of(inputs, product, seconds=(ends_at - time.monotonic()) / left)
        if sum(photo is not None for photo in tried.values()) >= enough:
            break
    return tried


def _photo_of(inputs: Inputs, product: dict[str, Any], *, seconds: float) -> Photo | None:
    """Use the file that the media manager has under the product's media id; import the photo where it has none.

    Wix doesn't document whether a product's media id may stand in a post; with such a file it may. An import is made once, from the
    photo's public address: the file has a name by which it is found again.
    """
    image = _first_image(product)
    try:
        with within(seconds):
            file = media.ready(inputs.instance_id, image["id"], seconds=inputs.seconds) or _imported(inputs, image)
    except DeadlineExceeded:
        _warn(inputs, "there was no time for it.")
        return None
    except WorkError as error:
        if not isinstance(error, PermanentError) and error.code not in _TOO_SLOW:
            raise
        _warn(inputs, error.message)
        return None
    alt_text = shortened(one_line(image.get("alt") or product["name"]), ALT_TEXT_MAX)
    return Photo(file.id, file.width, file.height, alt_text)


def _warn(inputs: Inputs, why: str) -> None:
    inputs.warn(PermanentError("photo_unusable", f"A product's photo is left out: {why}"))


def _imported(inputs: Inputs, image: dict[str, Any]) -> media.MediaFile:
    name = f"photo-{image['id']}"
    address = image.get("url") or f"https://static.wixstatic.com/media/{image['id']}"
    file_id = media.imported_before(inputs.instance_id, name, seconds=inputs.seconds) or media.import_image(
        inputs.instance_id, address, name, _mime_type(image["id"]), seconds=inputs.seconds
    )
    return media.wait_until_ready(inputs.instance_id, file_id, seconds=remaining())


def _mime_type(media_id: str) -> str:
    """Read the type from the media id, which ends as a file's name does. Other endings are taken for the commonest type."""
    extension = media_id.rpartition(".")[2].lower()
    return {"png": "image/png", "webp": "image/webp", "gif": "image/gif"}.get(extension, "image/jpeg")


def _first_image(product: dict[str, Any]) -> dict[str, Any]:
    """Return the first usable photo. Of products that an earlier release read, only its id is known."""
    images = product.get("images") or [{"id": product["image_id"]}]
    return next((image for image in images if image["id"] == product["image_id"]), images[0])
