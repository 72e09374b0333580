"""The page of the desk's search, and the shops that its box suggests. What names one blog leads straight to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from blogs.desk.base import badge
from blogs.desk.find import blogs, typed
from blogs.desk.find.typed import Typed
from blogs.desk.search import sites_at, sites_called, sites_found
from blogs.models import BlogGeneration
from wix.models import Site

_BLOGS_SHOWN = 50
_SHOPS_SHOWN = 8
# A suggestion for more than a shop's name would be none.
_SUGGESTED_FOR = 200
_SEES_BLOGS, _SEES_SHOPS = "blogs.view_bloggeneration", "wix.view_site"


def results(request: HttpRequest) -> HttpResponse:
    sees_blogs, sees_shops = request.user.has_perm(_SEES_BLOGS), request.user.has_perm(_SEES_SHOPS)
    if not (sees_blogs or sees_shops):
        raise PermissionDenied(
            "You lack the rights to view blogs and shops (blogs.view_bloggeneration, wix.view_site)."
        )
    asked = typed.read(request.GET.get("q", ""))
    exact = blogs.named(asked) if sees_blogs and asked.text else None
    if exact and len(exact.ids) == 1:
        return HttpResponseRedirect(reverse("admin:blogs_bloggeneration_change", args=exact.ids))
    shops = _shops(asked) if sees_shops and asked.text else []
    if asked.uuid and len(shops) == 1:
        return HttpResponseRedirect(reverse("admin:wix_site_change", args=[shops[0].pk]))
    ids = exact.ids if exact else _worded(asked) if sees_blogs else []
    shown = {
        "title": f"Search: {asked.text}" if asked.text else "Search",
        "asked": asked.text,
        "exactly": exact.what if exact else "",
        "shops": shops,
        "sees_blogs": sees_blogs,
        "blogs": [_shown(blog) for blog in _rows(ids[:_BLOGS_SHOWN])],
        "none_found": _none_found(asked),
        "has_more": len(ids) > _BLOGS_SHOWN,
        "shown_at_most": _BLOGS_SHOWN,
        "list": f"{reverse('admin:blogs_bloggeneration_changelist')}?{urlencode({'q': asked.text})}",
    }
    return render(request, "admin/search.html", {**admin.site.each_context(request), **shown})


def suggestions(request: HttpRequest) -> HttpResponse:
    """Answer with the shops that what is being typed names; none where staff may not see shops."""
    if not request.user.has_perm(_SEES_SHOPS):
        return JsonResponse({"shops": []})
    text = typed.read(request.GET.get("q", "")[:_SUGGESTED_FOR]).text
    shops = sites_found(text, _SHOPS_SHOWN) if text else []
    return JsonResponse({"shops": [{"name": str(shop), "domain": _domain(shop), "url": _url(shop)} for shop in shops]})


def _shops(asked: Typed) -> list[Site]:
    if asked.uuid:
        return list(sites_called(asked.uuid))
    if asked.number is not None or asked.slug:
        return []
    return (sites_at(asked.host) if asked.host else [])[:_SHOPS_SHOWN] or sites_found(asked.text, _SHOPS_SHOWN)


def _worded(asked: Typed) -> list[int]:
    if asked.number is not None or asked.uuid:
        return []
    return blogs.worded(asked.slug or asked.text, _BLOGS_SHOWN + 1)


def _none_found(asked: Typed) -> str:
    """Say why no blog is listed: a number and an id name one, words may be too many."""
    if asked.number is not None:
        return f"No blog has the number {asked.number}, or it was removed with age."
    if asked.uuid:
        return "No blog has a draft with this id, and no shop this instance id."
    return (
        "No blog has all these words in its topic, its title, or its products' names. "
        "Fewer words, or the beginning of a word, find more."
    )


def _rows(ids: list[int]) -> list[BlogGeneration]:
    found = BlogGeneration.objects.filter(pk__in=ids).select_related("site", "article").defer("article__content")
    rows = list(found.order_by("-pk"))
    blogs.know_names(rows)
    return rows


def _shown(blog: BlogGeneration) -> dict[str, Any]:
    """Give a row of the page: what the blog is called, and what it was asked for."""
    article, topic = getattr(blog, "article", None), blogs.called(blog)
    return {
        "blog": blog,
        "url": reverse("admin:blogs_bloggeneration_change", args=[blog.pk]),
        "title": article.title if article else topic,
        "topic": topic if article and article.title != topic else "",
        "status": badge(blog.status.lower(), blog.status),
    }


def _url(shop: Site) -> str:
    return reverse("admin:wix_site_change", args=[shop.pk])


def _domain(shop: Site) -> str:
    return shop.url.partition("//")[2].partition("/")[0]
