"""`GET /api/blog-generation/{id}/article`: the text of a blog that is DONE, in the form that the caller asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.utils.http import parse_header_parameters
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotAcceptable, NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from blogs.api.openapi import article_parts
from blogs.api.openapi.documenting import Answer, documented, parameter
from blogs.api.possible import NotReady
from blogs.api.shape import BLOG_IN_PATH
from blogs.article import written
from blogs.article.schema import ArticleContent
from blogs.models import Article, BlogGeneration, Stage, Status
from blogs.stages.draft_post import document
from blogs.stages.marker import marker_of
from wix.identity.auth import site_of


class Blocks(JSONRenderer):
    format = "blocks"


class Wix(JSONRenderer):
    media_type, format = "application/vnd.wix.rich-content+json", "wix"


class _Text(BaseRenderer):
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return str(data).encode()


class Html(_Text):
    media_type, format = "text/html", "html"


class Markdown(_Text):
    media_type, format = "text/markdown", "markdown"


class Plain(_Text):
    media_type, format = "text/plain", "plain"


FORMATS: tuple[type[BaseRenderer], ...] = (Blocks, Html, Markdown, Plain, Wix)


class ByFormat(DefaultContentNegotiation):
    """Goes by the parameter `format`, and by the Accept header where there is none."""

    def select_renderer(self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: Any = None) -> Any:
        asked = request.query_params.get("format")
        if asked is None:
            return _preferred(request.headers.get("Accept") or "*/*", [*renderers])
        for renderer in renderers:
            if renderer.format == asked:
                return renderer, renderer.media_type
        raise NotAcceptable(f"`format` must be one of: {', '.join(each.format for each in renderers)}.")


def _preferred(accept: str, renderers: list[Any]) -> Any:
    """Return the renderer that an Accept header likes best (RFC 9110, 12.5.1). REST framework takes no account of its q."""
    ranges = [
        (kind.strip().lower(), _weight(parameters))
        for kind, parameters in map(parse_header_parameters, accept.split(","))
    ]
    found = [(_liking(renderer.media_type, ranges), renderer) for renderer in renderers]
    weight, _ = best = max(liking for liking, _ in found)
    if not weight:
        raise NotAcceptable(available_renderers=renderers)
    # Of equals the first.
    chosen = next(renderer for liking, renderer in found if liking == best)
    return chosen, chosen.media_type


def _liking(kind: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return the weight that the narrowest matching range gives to a media type, and how narrow it is; zeros without one."""
    masks = ["*/*", f"{kind.partition('/')[0]}/*", kind]
    narrow, weight = max(((masks.index(each), weight) for each, weight in ranges if each in masks), default=(0, 0.0))
    return weight, narrow


def _weight(parameters: dict[str, str]) -> float:
    """Read `q`; one that is no number of 0 to 1 counts as if it were missing."""
    q = parameters.get("q", "1")
    return float(q) if _Q.fullmatch(q) else 1.0


_Q = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


class Articles(viewsets.GenericViewSet[BlogGeneration]):
    @documented(
        "readArticle",
        "Read the article of a blog that is DONE",
        tag="Blogs",
        about="`format` or the Accept header chooses the form.",
        parameters=[
            BLOG_IN_PATH,
            parameter("format", {"type": "string", "enum": [each.format for each in FORMATS]}, "Which form."),
        ],
        answers={200: Answer("The article.", forms=article_parts.forms(_camel_name))},
        problems=["not_found", "not_ready"],
    )
    @action(detail=True, methods=["get"], renderer_classes=FORMATS, content_negotiation_class=ByFormat)
    def article(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        generation = self.get_object()
        if generation.status != Status.DONE:
            raise NotReady("its article can be read once it is DONE", generation)
        row = Article.objects.filter(pk=generation.pk).first()
        if row is None:
            raise NotFound("This blog's article is not kept.")
        return Response(_in_format(request.accepted_renderer.format, generation, row, site_url=site_of(request).url))


def _in_format(name: str, generation: BlogGeneration, row: Article, *, site_url: str) -> Any:
    article = ArticleContent.stored(row.content)
    outputs = dict(
        generation.outputs.filter(stage__in=[Stage.PRODUCTS, Stage.MEDIA, Stage.DRAFT]).values_list("stage", "output")
    )
    products = outputs.get(Stage.PRODUCTS, {}).get("products", [])
    if name == Blocks.format:
        return _blocks(generation, row, article, products)
    photos = outputs.get(Stage.MEDIA, {}).get("photos", {})
    related = outputs.get(Stage.DRAFT, {}).get("related", [])
    post = document(
        article, marker_of(generation.pk), products=products, photos=photos, site_url=site_url, related=related
    )
    match name:
        case Html.format:
            return written.html(article.title, article.language, post)
        case Markdown.format:
            return written.markdown(article.title, post)
        case Plain.format:
            return written.plain(article.title, post)
    return post


def _blocks(
    generation: BlogGeneration, row: Article, article: ArticleContent, products: list[dict[str, Any]]
) -> dict[str, Any]:
    """Give the article as our own parts. A part that speaks of a product has its `productId`; `products` says which that is."""
    parts = article.model_dump()
    return {
        "blogId": generation.pk,
        "version": row.version,
        "words": row.words,
        **_camel(parts),
        "products": [{"id": each["id"], "name": each["name"], "url": each["url"]} for each in products],
    }


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel_name(name): _camel(each) for name, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value
