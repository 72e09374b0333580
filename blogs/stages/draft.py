"""The draft post in the site's blog: exactly one, eventually.

Wix has no idempotency key and a create takes 25 to 30 s, so a create may succeed without our hearing of it. Each draft
carries a marker, the id of its first node. Whoever finds that a create was begun, and no draft's id, waits until it must be
over, looks for a draft of this title with the marker, and only then creates. What still slips through (a stopped process
that wakes up in mid-create) is deleted ten minutes later by `blogs.sweep`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from blogs import ricos
from blogs.article import Article
from blogs.models import Stage
from blogs.stages import Inputs
from wix import blog
from wix.blog import Draft
from wix.http import WixRefused
from workers.errors import PermanentError, RateLimited

# Clocks differ, ours and Wix's.
_CLOCKS = timedelta(minutes=5)


def run(inputs: Inputs) -> dict[str, Any]:
    article = _article(inputs)
    marker = marker_of(inputs.generation_id)
    try:
        post = _draft_post(inputs, article, marker)
    except ricos.ArticleTooLarge as error:
        raise PermanentError(
            "article_too_large", "The article is larger than Wix takes; ask for a shorter one."
        ) from error
    if inputs.draft_create_age is not None and (found := _made_before(inputs, article.title, marker)):
        return {"draft_post_id": found.id, "draft_post_url": found.url, "found": True}
    draft, member_id = _create(inputs, post)
    return {"draft_post_id": draft.id, "draft_post_url": draft.url, "member_id": member_id}


def marker_of(generation_id: int) -> str:
    return ricos.marker_for(generation_id, settings.SECRET_KEY)


def marked_drafts(instance_id: str, title: str, marker: str, *, since_seconds: float, seconds: float) -> list[Draft]:
    """This blog's drafts, oldest first, among those edited in the last `since_seconds`."""
    since = datetime.now(UTC) - timedelta(seconds=since_seconds) - _CLOCKS
    found = blog.find_drafts(instance_id, title, since, seconds=seconds)
    return [draft for draft, rich_content in found if ricos.has_marker(rich_content, marker)]


def _made_before(inputs: Inputs, title: str, marker: str) -> Draft | None:
    assert inputs.draft_create_age is not None
    too_early = settings.BLOG_DRAFT_LOOKUP_SECONDS - inputs.draft_create_age
    if too_early > 0:
        raise RateLimited("draft_unsure", "A create of the draft may still be under way at Wix.", retry_in=too_early)
    drafts = marked_drafts(
        inputs.instance_id, title, marker, since_seconds=inputs.draft_create_age, seconds=inputs.seconds
    )
    return drafts[0] if drafts else None


def _create(inputs: Inputs, draft_post: dict[str, Any]) -> tuple[Draft, str]:
    """A stored author who has left the site is replaced, once."""
    member_id = inputs.member_id or blog.author(inputs.instance_id, seconds=inputs.seconds)
    try:
        return _send(inputs, draft_post, member_id), member_id
    except WixRefused as refused:
        if not inputs.member_id or "do not exist" not in refused.message:
            raise
    member_id = blog.author(inputs.instance_id, seconds=inputs.seconds)
    return _send(inputs, draft_post, member_id), member_id


def _send(inputs: Inputs, draft_post: dict[str, Any], member_id: str) -> Draft:
    return blog.create_draft(
        inputs.instance_id,
        {**draft_post, "memberId": member_id},
        seconds=inputs.seconds,
        before_sending=inputs.note_draft_create,
    )


def _article(inputs: Inputs) -> Article:
    fields = inputs.of(Stage.ARTICLE)
    return Article.model_validate({name: fields[name] for name in Article.model_fields})


def _draft_post(inputs: Inputs, article: Article, marker: str) -> dict[str, Any]:
    cards, hosts = _product_cards(inputs.of(Stage.PRODUCTS)["products"])
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
            ]
        },
    }
    if article.slug:
        post["seoSlug"] = article.slug
    if cover := inputs.of(Stage.MEDIA):
        # Without displayed and custom Wix answers 200 and drops the cover.
        image = {"image": {"id": cover["file_id"]}}
        alt_text = inputs.of(Stage.IDEA)["image_alt_text"]
        post["media"] = {"wixMedia": image, "displayed": True, "custom": True, "altText": alt_text}
    return post


def _product_cards(products: list[dict[str, Any]]) -> tuple[dict[str, ricos.ProductCard], set[str]]:
    """Products by id, and the hosts that links may lead to: the shop's own, as its catalogue names them."""
    cards = {
        product["id"]: ricos.ProductCard(
            id=product["id"],
            name=product["name"],
            url=product["url"],
            # That a product's media id may be used in a post is not verified; a refused draft would cost the whole blog.
            image_id=None,
            image_width=None,
            image_height=None,
            alt_text=product["name"],
        )
        for product in products
    }
    return cards, {host for card in cards.values() if card.url and (host := urlsplit(card.url).hostname)}
