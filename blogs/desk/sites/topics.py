"""A shop's ideas and topics on the support desk: what its blogs and posts are about, and the ideas that wait to be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from blogs.desk.base import DeskAdmin, badge
from blogs.desk.blogs.preview import web_page
from blogs.desk.search import as_id
from blogs.desk.sites.facts import Count
from blogs.ideas import listing
from blogs.ideas.listing import LISTS, Row
from blogs.models import IdeaOrder, PostReading, Status
from wix.models import Site
from workers.texts import cut

PERMISSION = "blogs.view_bloggeneration"
_Q_MAX = 200
_ORDERS_SHOWN = 5
# The name of each list, what its dates are, and what stands there where it is empty.
_NAMES = {
    "ideas": ("Ideas", "asked for", "No idea waits to be used."),
    "used": ("Used ideas", "asked for", "No idea was used."),
    "open": ("Blogs to be written", "asked for", "No blog waits or runs."),
    "written": ("Blogs that are written", "planned", "No blog was written since topics are kept."),
    "posts": ("Posts at Wix", "read", "No post was read from Wix."),
}
_BADGES = {
    "published": "done",
    "draft": "pending",
    "written": "done",
    "running": "processing",
    "queued": "pending",
    "scheduled": "pending",
    **{status.lower(): status.lower() for status in Status.values},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's address asks for."""

    shown: str = "ideas"
    state: str = ""
    words: str = ""
    before: int = 0

    def query(self, **changes: str | int) -> str:
        """Return the query of an address that asks for the same but for `changes`, from the first page on."""
        asked = {"show": self.shown, "state": self.state, "q": self.words, **changes}
        return f"?{urlencode({name: value for name, value in asked.items() if value})}"


def urls(desk: DeskAdmin) -> list[URLPattern]:
    @require_safe
    def view(request: HttpRequest, site_id: int) -> HttpResponse:
        return _view(desk, request, get_object_or_404(Site, pk=site_id))

    return [path("<int:site_id>/topics/", desk.admin_site.admin_view(view), name="wix_site_topics")]


def may_read(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(PERMISSION))


def _view(desk: DeskAdmin, request: HttpRequest, site: Site) -> HttpResponse:
    if not (may_read(request) and desk.has_view_permission(request, site)):
        raise PermissionDenied(f"You lack the right to view shops and their blogs (wix.view_site, {PERMISSION}).")
    asked, told = _asked(request)
    for problem in told:
        messages.error(request, problem)
    found = listing.page(site.pk, asked.shown, words=asked.words, state=asked.state, before=asked.before)
    counts = listing.counts(site.pk)
    name, date, none = _NAMES[asked.shown]
    context = {
        "title": f"Ideas and topics of {site}",
        "site_shown": site,
        "opts": desk.opts,
        "asked": asked,
        "name": name,
        "date": date,
        "none": "Nothing has these words and this state." if asked.words or asked.state or asked.before else none,
        "lists": [
            (_NAMES[each][0], Asked(each, words=asked.words).query(), each == asked.shown, _counted(counts, each))
            for each in LISTS
        ],
        "states": [(each, asked.query(state=each), each == asked.state) for each in ("", *LISTS[asked.shown])],
        "rows": [_shown(row) for row in found.rows],
        "older": asked.query(before=found.older) if found.older else "",
        "newest": asked.query() if asked.before else "",
        "orders": IdeaOrder.objects.filter(site=site).order_by("-id")[:_ORDERS_SHOWN],
        "reading": PostReading.objects.filter(pk=site.pk).first(),
    }
    return render(request, "admin/wix/site/topics.html", {**desk.admin_site.each_context(request), **context})


def _counted(counts: dict[str, int], name: str) -> Count | None:
    return Count(counts[name]) if name in counts else None


def _asked(request: HttpRequest) -> tuple[Asked, list[str]]:
    """Read the address. What it can't ask for is left out, and told."""
    told: list[str] = []
    given = {name: str(value).strip() for name, value in request.GET.items()}
    unknown = [name for name in given if name not in ("show", "state", "q", "before")]
    told += [f"There is no filter “{_quoted(name)}”; it was left out." for name in unknown]
    shown = given.get("show") or "ideas"
    if shown not in LISTS:
        told.append(f"There is no list “{_quoted(shown)}”; these are the ideas.")
        shown = "ideas"
    state = given.get("state", "")
    if state and state not in LISTS[shown]:
        told.append(f"Nothing in this list can be “{_quoted(state)}”; it was left out.")
        state = ""
    before = given.get("before", "")
    number = as_id(before) or 0
    if before and not number:
        told.append(f"“{_quoted(before)}” is no place in this list; it begins with the newest.")
    return Asked(shown, state, given.get("q", "")[:_Q_MAX], number), told


def _quoted(text: str) -> str:
    return cut(text, 40)


def _shown(row: Row) -> dict[str, Any]:
    return {
        "row": row,
        "state": badge(_BADGES.get(row.state, "pending"), row.state) if row.state else "",
        "url": web_page(row.url),
    }
