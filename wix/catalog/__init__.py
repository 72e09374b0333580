"""A shop's products, from either of Wix's two catalog versions, in one form, read once for all of its blogs.

`fitting` chooses from the catalog in our database (`store`), which the first blog that needs it reads from Wix (`reading`).
`product` asks Wix for one product. Hidden products are never read into the database; `product` says whether one is hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wix.catalog import api, choosing, reading, store
from wix.catalog.product import Product
from wix.catalog.store import refresh
from wix.catalog.upkeep import prune

__all__ = [
    "CHANGES",
    "Product",
    "collection_name",
    "examples",
    "fitting",
    "named",
    "product",
    "prune",
    "refresh",
    "unknown",
]

# Webhooks after which a catalog must be read again, as Wix's packages name them: V1's two kinds, V3's products and categories.
CHANGES = frozenset(
    {
        "com.wix.ecommerce.catalog.api.v1.ProductCreated",
        "com.wix.ecommerce.catalog.api.v1.ProductChanged",
        "com.wix.ecommerce.catalog.api.v1.ProductDeleted",
        "com.wix.ecommerce.catalog.api.v1.VariantsChanged",
        "com.wix.ecommerce.catalog.api.v1.CollectionCreated",
        "com.wix.ecommerce.catalog.api.v1.CollectionChanged",
        "com.wix.ecommerce.catalog.api.v1.CollectionDeleted",
        "wix.stores.catalog.v3.product_created",
        "wix.stores.catalog.v3.product_updated",
        "wix.stores.catalog.v3.product_deleted",
        "wix.categories.v1.category_deleted",
        "wix.categories.v1.category_category_moved",
        "wix.categories.v1.category_item_added_to_category",
        "wix.categories.v1.category_item_removed_from_category",
    }
)


def fitting(
    instance_id: str,
    topic: str,
    *,
    at_most: int,
    seconds: float,
    collection_id: str = "",
    patience: float = reading.PATIENCE_SECONDS,
) -> list[dict[str, Any]]:
    """Return the visible products that fit a topic best, as `Product.as_dict`; any where none fits, none where there are no Stores.

    With `collection_id` only those of that collection. Raises RateLimited where another blog reads the shop's products and needs
    longer than `patience`, in seconds; WixRefused where Wix refuses them, and no reading of the last day can be used.
    """
    reading.ensure(instance_id, seconds=seconds, patience=patience)
    return choosing.choose(instance_id, topic, at_most=at_most, collection_id=collection_id)


def examples(instance_id: str, at_most: int) -> list[str]:
    """Return the names of some products of the catalog that we keep, without asking Wix; none where we keep none."""
    return [product["name"] for product in choosing.choose(instance_id, "", at_most=at_most)]


def named(instance_id: str, product_ids: Sequence[str], *, seconds: float) -> dict[str, dict[str, Any]]:
    """Return those of these products that the shop shows, each by its id, as `Product.as_dict`. Raises as `fitting` does."""
    reading.ensure(instance_id, seconds=seconds)
    return store.named(instance_id, product_ids)


def unknown(instance_id: str, product_ids: Sequence[str]) -> list[str]:
    """Return those of these ids that are surely of no product the shop shows, without asking Wix. None is, where we can't tell."""
    return store.unknown(instance_id, product_ids)


def product(instance_id: str, product_id: str, *, seconds: float) -> Product | None:
    """Ask Wix for one product, as it is now; None if the shop has no such product. A hidden one says so (`visible`)."""
    return reading.asking(
        instance_id, lambda version: api.product(instance_id, version, product_id, seconds=seconds), seconds=seconds
    )


def collection_name(instance_id: str, collection_id: str, *, seconds: float) -> str | None:
    """Ask Wix for a collection's name; None if the shop has no such collection."""
    return reading.asking(
        instance_id,
        lambda version: api.collection(instance_id, version, collection_id, seconds=seconds),
        seconds=seconds,
    )
