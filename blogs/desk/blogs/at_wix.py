"""What Wix holds of a blog's post now: asked for by a click, answered by a worker within seconds, shown on the blog's page.

No web thread waits for Wix. The page shows the last answer with its time, and asks again for the piece that shows it until a worker
has answered (`static/desk/at_wix.js`; without scripts a reload does the same).
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from blogs import audit
from blogs.desk.base import DeskAdmin, a_worker_is_alive, actor
from blogs.models import BlogGeneration, PostOrder, Status
from blogs.post_orders import asking

# How many orders of a blog its page lists, the newest first.
_SHOWN = 10


def urls(desk: DeskAdmin) -> list[URLPattern]:
    def look(request: HttpRequest, blog_id: int) -> HttpResponse:
        return _look(desk, request, get_object_or_404(BlogGeneration, pk=blog_id))

    def piece(request: HttpRequest, blog_id: int) -> HttpResponse:
        blog = get_object_or_404(BlogGeneration, pk=blog_id)
        _require(desk, request, blog)
        return render(request, "admin/blogs/bloggeneration/at_wix.html", {"original": blog, "at_wix": about(blog)})

    view = desk.admin_site.admin_view
    return [
        path("<int:blog_id>/look/", view(require_POST(look)), name="blogs_bloggeneration_look"),
        path("<int:blog_id>/at-wix/", view(require_GET(piece)), name="blogs_bloggeneration_at_wix"),
    ]


def about(blog: BlogGeneration) -> dict[str, Any] | None:
    """Say what is known and under way, in one query mostly, three at most; None for a blog that has no post."""
    if blog.status != Status.DONE:
        return None
    orders = list(PostOrder.objects.filter(generation=blog.pk).order_by("-id")[:_SHOWN])
    seen = next((each for each in orders if each.held), None)
    if seen is None and len(orders) == _SHOWN:  # there may be older ones
        seen = PostOrder.objects.filter(generation=blog.pk, held__isnull=False).order_by("-id").first()
    waiting = [each for each in orders if each.ended_at is None]
    return {
        "seen": seen,
        "held": _shown(seen.held) if seen and seen.held else None,
        "waiting": waiting,
        "looking": any(each.kind == PostOrder.Kind.LOOK for each in waiting),
        "orders": [each for each in orders if each.ended_at and (each.kind != PostOrder.Kind.LOOK or each.code)],
        "no_worker": bool(waiting) and not a_worker_is_alive(),
    }


def _shown(held: dict[str, Any]) -> dict[str, Any]:
    """Give times as times, and addresses only where they may become links: they come from Wix."""
    links = {name: url if (url := held[name]).startswith("https://") else "" for name in ("draft_url", "post_url")}
    times = {name: parse_datetime(held[name]) if held[name] else None for name in ("edited_at", "published_at")}
    percent = round(100 * held["kept"]) if held["kept"] is not None else None
    return {**held, **links, **times, "percent": percent}


def _look(desk: DeskAdmin, request: HttpRequest, blog: BlogGeneration) -> HttpResponse:
    _require(desk, request, blog)
    if blog.status != Status.DONE:
        desk.message_user(request, f"It is {blog.status}: Wix holds nothing of it yet.", messages.WARNING)
    else:
        who = actor(request)
        with transaction.atomic():
            asked = asking.look(blog, name=who.name)
            if asked:
                audit.record(who, "look_at_wix", blog)
        if not asked:
            told = f"You have asked {asking.LOOKS_A_MINUTE} times within a minute; wait for the next one."
            desk.message_user(request, told, messages.WARNING)
    return HttpResponseRedirect(reverse("admin:blogs_bloggeneration_change", args=[blog.pk]) + "#at-wix")


def _require(desk: DeskAdmin, request: HttpRequest, blog: BlogGeneration) -> None:
    if not desk.has_view_permission(request, blog):
        raise PermissionDenied("You lack blogs.view_bloggeneration.")
