"""Stage: chooses the products that the article may speak of. They are read once and kept as they were."""

from __future__ import annotations

from typing import Any

from blogs.ideas import shop_ideas
from blogs.models import SourceType
from blogs.stages.inputs import Inputs
from wix import catalog
from wix.client.http import WixRefused
from workers.errors import PermanentError
from workers.texts import cut

# No article has room for more, and each costs prompt tokens.
AT_MOST = 6
# Something in the shop keeps Wix from listing its products: a product that is not whole, for example.
_CANNOT_BE_LISTED = 428


def run(inputs: Inputs) -> dict[str, Any]:
    """Return the products and `source_text`: what the article is about, in words (a product's or a collection's name)."""
    chosen = _chosen_by_the_shop(inputs) if inputs.product_ids else None
    if inputs.source_type == SourceType.PRODUCT:
        return _about_product(inputs, chosen or [])
    if inputs.source_type == SourceType.COLLECTION:
        return _about_collection(inputs, chosen)
    topic = _idea(inputs) if inputs.source_type == SourceType.IDEA else inputs.source_id
    products = _fitting(inputs, topic) if chosen is None else chosen
    return {"source_text": topic, "products": products}


def _idea(inputs: Inputs) -> str:
    if text := shop_ideas.text_of(inputs.site_id, inputs.source_id):
        return text
    raise _not_found("The idea that the blog was to be made of is not there any more.")


def _chosen_by_the_shop(inputs: Inputs) -> list[dict[str, Any]]:
    """Return the products that the request names, in its order. One that was added lately is asked for at Wix."""
    try:
        kept = catalog.named(inputs.instance_id, inputs.product_ids, seconds=inputs.seconds)
    except WixRefused as refused:
        if refused.status != _CANNOT_BE_LISTED:
            raise
        kept = {}
    return [kept[known] if known in kept else _visible(inputs, known).as_dict() for known in inputs.product_ids]


def _about_product(inputs: Inputs, more: list[dict[str, Any]]) -> dict[str, Any]:
    found = _visible(inputs, inputs.source_id)
    others = [product for product in more if product["id"] != found.id]
    return {"source_text": found.name, "products": [found.as_dict(), *others]}


def _visible(inputs: Inputs, product_id: str) -> catalog.Product:
    found = catalog.product(inputs.instance_id, product_id, seconds=inputs.seconds)
    if found is None:
        raise _not_found(f"The shop has no product with the id {cut(product_id, 60)!r}.")
    if not found.visible:
        raise _not_found(
            f"The product {cut(found.name, 100)!r} is hidden in the shop: show it there, or choose another one."
        )
    return found


def _about_collection(inputs: Inputs, chosen: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Choose products of a collection; if it shows none, products of the shop that fit its name.

    (Wix lists no product under "all products".)
    """
    name = catalog.collection_name(inputs.instance_id, inputs.source_id, seconds=inputs.seconds)
    if name is None:
        raise _not_found(f"The shop has no collection with the id {cut(inputs.source_id, 60)!r}.")
    products = _fitting(inputs, name, collection_id=inputs.source_id) if chosen is None else chosen
    return {"source_text": name, "products": products}


def _fitting(inputs: Inputs, topic: str, collection_id: str = "") -> list[dict[str, Any]]:
    """Choose products that fit. Where Wix can't list the shop's products the blog goes on without any, and says so."""
    try:
        for within in dict.fromkeys([collection_id, ""]):
            found = catalog.fitting(
                inputs.instance_id, topic, at_most=AT_MOST, seconds=inputs.seconds, collection_id=within
            )
            if found:
                return found
    except WixRefused as refused:
        if refused.status != _CANNOT_BE_LISTED:
            raise
        message = f"The article is written without the shop's products: {refused.message}"
        inputs.warn(PermanentError("products_refused", message))
    return []


def _not_found(message: str) -> PermanentError:
    return PermanentError("source_not_found", message)
