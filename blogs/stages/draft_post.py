"""The draft post as it is sent to Wix: the article's parts in Wix's fields, within Wix's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from blogs.article import ricos
from blogs.article.schema import ArticleContent, Block, Divider, Heading
from blogs.models import SourceType, Stage
from blogs.stages.inputs import Inputs
from wix.writing_systems import shortened
from workers.errors import PermanentError

_KEYWORD_MAX = 100
# Characters of a title that search results show.
_SEO_TITLE_SHOWN = 60
_KEYWORDS_MAX = 5
# The fields that are left out when Wix's refusal names them.
_PARTS = ("tagIds", "categoryIds", "seoData", "seoSlug", "language")
_PICTURES = ("media", "image")
_FREE_SITES = ".wixsite.com"


def compose(inputs: Inputs, article: ArticleContent, marker: str) -> dict[str, Any]:
    """Compose the post without its author. Raises ricos.ArticleTooLarge for an article that can't be shortened."""
    media = inputs.of(Stage.MEDIA)
    post: dict[str, Any] = {
        "title": article.title,
        "excerpt": article.excerpt,
        "language": inputs.language,
        "commentingEnabled": True,
        "richContent": _rich_content(inputs, article, marker),
        "seoData": {
            "tags": [
                {"type": "title", "children": seo_title(article, inputs.profile.brand or inputs.site_name)},
                {"type": "meta", "props": {"name": "description", "content": article.meta_description}},
            ],
            "settings": {"keywords": _keywords(inputs, article)},
        },
    }
    if article.slug:
        post["seoSlug"] = article.slug
    if media.get("file_id"):
        # Without `displayed` and `custom` Wix answers 200 and drops the cover.
        image = {"image": {"id": media["file_id"]}}
        alt_text = media.get("alt_text") or inputs.of(Stage.IDEA)["image_alt_text"]
        post["media"] = {"wixMedia": image, "displayed": True, "custom": True, "altText": alt_text}
    return post


def seo_title(article: ArticleContent, brand: str) -> str:
    """Return the title for search results. One that only repeats the post's own gets the shop's name, where that fits."""
    told = article.meta_title or article.title
    if told.casefold() != article.title.casefold() or not brand or brand.casefold() in told.casefold():
        return told
    named = f"{told} | {brand}"
    return named if len(named) <= _SEO_TITLE_SHOWN else told


def lighter(post: dict[str, Any], refusal: str) -> dict[str, Any] | None:
    """Return the post without the part that Wix's refusal names; None if it names no part that can be spared."""
    said = refusal.lower()
    for name in _PARTS:
        if name.lower() in said and name in post:
            return {field: value for field, value in post.items() if field != name}
    if not any(word in said for word in _PICTURES):
        return None
    spared = {field: value for field, value in post.items() if field != "media"}
    without = {**spared, "richContent": ricos.without_images(post["richContent"])}
    return without if without != post else None


def _keywords(inputs: Inputs, article: ArticleContent) -> list[dict[str, Any]]:
    """Return the five keywords that Wix takes. The one that the shop asked for is the main one."""
    asked = [inputs.source_id] if inputs.source_type == SourceType.KEYWORD else []
    terms = dict.fromkeys(shortened(term, _KEYWORD_MAX) for term in [*asked, *article.tags])
    return [{"term": term, "isMain": not number} for number, term in enumerate([*terms][:_KEYWORDS_MAX]) if term]


def _rich_content(inputs: Inputs, article: ArticleContent, marker: str) -> dict[str, Any]:
    """Render as many blocks from the beginning as Wix takes. Blocks stay whole: half a one might end in the middle of a word."""
    products, photos = inputs.of(Stage.PRODUCTS)["products"], inputs.of(Stage.MEDIA).get("photos", {})
    told = PermanentError("article_shortened", "The article was larger than Wix takes; its end is left out.")
    cut = partial(inputs.warn, told)
    related = inputs.outputs.get(Stage.DRAFT, {}).get("related", ())
    return document(
        article, marker, products=products, photos=photos, site_url=inputs.site_url, related=related, cut=cut
    )


def document(
    article: ArticleContent,
    marker: str,
    *,
    products: list[dict[str, Any]],
    photos: dict[str, dict[str, Any]],
    site_url: str,
    related: Sequence[dict[str, str]] = (),
    cut: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Render an article for a draft post, with links to the posts that the draft's stage has chosen.

    `cut` is called where its end is left out. Raises ricos.ArticleTooLarge.
    """
    cards = {product["id"]: _card(product, photos.get(product["id"], {})) for product in products}
    hosts = link_hosts(site_url, [card.url for card in cards.values()])
    hosts |= post_hosts(site_url, [post["url"] for post in related])

    def render(blocks: list[Block]) -> dict[str, Any]:
        shown = article.model_copy(update={"blocks": blocks})
        posts = [(post["title"], post["url"]) for post in related]
        return ricos.render(shown, marker=marker, products=cards, allowed_hosts=hosts, related=posts)

    try:
        return render(article.blocks)
    except ricos.ArticleTooLarge:
        blocks = _that_fit(article.blocks, render)
        if not blocks:
            raise
    cut()
    return render(blocks)


def _that_fit(blocks: list[Block], render: Callable[[list[Block]], object]) -> list[Block]:
    """Return as many blocks as fit, from the first on, and no heading at the end: it would announce what isn't there."""
    fits, too_many = 0, len(blocks)
    while too_many - fits > 1:
        tried = (fits + too_many) // 2
        try:
            render(blocks[:tried])
            fits = tried
        except ricos.ArticleTooLarge:
            too_many = tried
    while fits and isinstance(blocks[fits - 1], Heading | Divider):
        fits -= 1
    return blocks[:fits]


def link_hosts(site_url: str, addresses: Collection[str | None]) -> set[str]:
    """Return the hosts that links may lead to.

    That is the site's own host; if it isn't known, the host that most of its products are at. A single product may name any host.
    Wix's hosts for sites without a domain of their own count too.
    """
    named = Counter(host for address in addresses if (host := _host(address)))
    free = {host for host in named if host.endswith(_FREE_SITES)}
    if own := _host(site_url):
        bare = own.removeprefix("www.")
        return {bare, f"www.{bare}"} | free
    return {host for host, count in named.most_common(1) if 2 * count > len(addresses)} | free


def post_hosts(site_url: str, addresses: Collection[str]) -> set[str]:
    """Return the hosts at which the site's own posts are: its own, or where that isn't known those that Wix named."""
    return link_hosts(site_url, []) if site_url else {host for each in addresses if (host := _host(each))}


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
