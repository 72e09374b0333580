"""What is sent to Wix as the draft post: the article's parts in Wix's fields, within Wix's limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from blogs import ricos
from blogs.article import Article
from blogs.models import SourceType, Stage
from blogs.stages import Inputs
from blogs.text import shortened

_KEYWORD_MAX = 100
_KEYWORDS_MAX = 5
# What a refusal names, and what it therefore may be about.
_PARTS = {"tagIds": ("tagIds",), "categoryIds": ("categoryIds",), "seoData": ("seoData",), "seoSlug": ("seoSlug",)}
_PICTURES = ("media", "image")


def compose(inputs: Inputs, article: Article, marker: str) -> dict[str, Any]:
    """Without its author. Raises ricos.ArticleTooLarge."""
    media = inputs.of(Stage.MEDIA)
    cards, hosts = _product_cards(inputs.of(Stage.PRODUCTS)["products"], media.get("photos", {}))
    post: dict[str, Any] = {
        "title": article.title,
        "excerpt": article.excerpt,
        "language": article.language,
        "commentingEnabled": True,
        "richContent": ricos.render(article, marker=marker, products=cards, allowed_hosts=hosts),
        "seoData": {
            "tags": [
                {"type": "title", "children": article.meta_title},
                {"type": "meta", "props": {"name": "description", "content": article.meta_description}},
            ],
            "settings": {"keywords": _keywords(inputs, article)},
        },
    }
    if article.slug:
        post["seoSlug"] = article.slug
    if media.get("file_id"):
        # Without displayed and custom Wix answers 200 and drops the cover.
        image = {"image": {"id": media["file_id"]}}
        alt_text = media.get("alt_text") or inputs.of(Stage.IDEA)["image_alt_text"]
        post["media"] = {"wixMedia": image, "displayed": True, "custom": True, "altText": alt_text}
    return post


def lighter(post: dict[str, Any], refusal: str) -> dict[str, Any] | None:
    """The post without the part that Wix's refusal names; None if it names none that can be spared."""
    for name, fields in _PARTS.items():
        if name in refusal and any(field in post for field in fields):
            return {field: value for field, value in post.items() if field not in fields}
    if not any(word in refusal.lower() for word in _PICTURES):
        return None
    spared = {field: value for field, value in post.items() if field != "media"}
    without = {**spared, "richContent": ricos.without_images(post["richContent"])}
    return without if without != post else None


def _keywords(inputs: Inputs, article: Article) -> list[dict[str, Any]]:
    """What the shop asked for is the main one; Wix takes five."""
    asked = [inputs.source_id] if inputs.source_type == SourceType.KEYWORD else []
    terms = dict.fromkeys(shortened(term, _KEYWORD_MAX) for term in [*asked, *article.tags])
    return [{"term": term, "isMain": not number} for number, term in enumerate([*terms][:_KEYWORDS_MAX]) if term]


def _product_cards(
    products: list[dict[str, Any]], photos: dict[str, dict[str, Any]]
) -> tuple[dict[str, ricos.ProductCard], set[str]]:
    """Products by id, and the hosts that links may lead to: the shop's own, as its catalogue names them."""
    cards = {product["id"]: _card(product, photos.get(product["id"], {})) for product in products}
    return cards, {host for card in cards.values() if (host := _host(card.url))}


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:  # brackets that hold no IPv6 address
        return None


def _card(product: dict[str, Any], photo: dict[str, Any]) -> ricos.ProductCard:
    return ricos.ProductCard(
        id=product["id"],
        name=product["name"],
        url=product["url"],
        image_id=photo.get("file_id"),
        image_width=photo.get("width"),
        image_height=photo.get("height"),
        alt_text=photo.get("alt_text") or product["name"],
    )
