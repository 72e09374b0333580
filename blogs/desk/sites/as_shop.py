"""A shop's view of itself: what the API answers it now, shown to staff, who can do nothing there.

The page asks the API itself, in this process and by its addresses, in the shop's name: so it shows what the shop gets, down to a
refusal. Such a question is not counted among the shop's requests a minute.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, resolve, reverse
from django.views.decorators.http import require_safe

from blogs import audit
from blogs.desk.base import DeskAdmin, actor
from blogs.desk.search import as_id
from blogs.models import BlogGeneration
from wix.models import Site

PERMISSION = "wix.view_as_shop"
# What of the page's own address is handed on to the API's list, which says what it takes.
_FILTERS = ("status", "cursor")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: the call, the HTTP status, the value of its JSON, and that JSON, indented."""

    call: str
    status: int
    value: Any
    text: str

    @property
    def is_problem(self) -> bool:
        return self.status >= 400

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Give each field with its value as the JSON has it; a text without its quotes."""
        return [
            (name, value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False))
            for name, value in self.value.items()
        ]


def urls(desk: DeskAdmin) -> list[URLPattern]:
    @require_safe
    def view(request: HttpRequest, site_id: int) -> HttpResponse:
        return _view(desk, request, get_object_or_404(Site, pk=site_id))

    return [path("<int:site_id>/as-shop/", desk.admin_site.admin_view(view), name="wix_site_as_shop")]


def _view(desk: DeskAdmin, request: HttpRequest, site: Site) -> HttpResponse:
    """Show its credits, its blogs, and one of them in full. The audit log tells who looked at what."""
    if not (request.user.has_perm(PERMISSION) and desk.has_view_permission(request, site)):
        raise PermissionDenied(f"You lack the right to see what a shop sees ({PERMISSION}).")
    filters = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    blog_id = as_id(request.GET.get("blog", ""))
    blog = BlogGeneration.objects.filter(pk=blog_id, site=site).first() if blog_id else None
    audit.record(actor(request), "view_as_shop", blog or site)
    blogs = None if blog_id else asked(request, site, "blog-generation-list", query=filters)
    shown = {
        "title": f"{site}, as the shop sees it",
        "site_shown": site,
        "opts": desk.opts,
        "credits": asked(request, site, "credits"),
        "blogs": blogs,
        "blog": asked(request, site, "blog-generation-detail", blog_id) if blog_id else None,
        "status": filters.get("status", ""),
        "statuses": BlogGeneration.status.field.choices,
        **{name: _further(blogs, name, filters) for name in ("next", "previous")},
    }
    return render(request, "admin/wix/site/as_shop.html", {**desk.admin_site.each_context(request), **shown})


def asked(request: HttpRequest, site: Site, name: str, *args: Any, query: dict[str, str] | None = None) -> Answer:
    """Ask the API's view of this name in the site's name, as a request that has passed the door."""
    address, text = reverse(name, args=args), urlencode(query or {})
    question = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": address,
            "QUERY_STRING": text,
            "HTTP_HOST": request.get_host(),
            "SERVER_NAME": request.META.get("SERVER_NAME", ""),
            "SERVER_PORT": request.META.get("SERVER_PORT", ""),
            "REMOTE_ADDR": request.META.get("REMOTE_ADDR", ""),
            "wsgi.url_scheme": request.scheme,
            "wsgi.input": io.BytesIO(),
        }
    )
    question.request_id = getattr(request, "request_id", "")  # type: ignore[attr-defined]
    # REST framework takes it for who asks, in place of any credential; its own test client does the same.
    question._force_auth_user = site  # type: ignore[attr-defined]
    found = resolve(address)
    answer = _uncounted(found.func)(question, *found.args, **found.kwargs)
    if hasattr(answer, "render"):
        answer = answer.render()
    value = json.loads(answer.content)
    call = f"GET {address}{'?' if text else ''}{text}"
    return Answer(call, answer.status_code, value, json.dumps(value, indent=2, ensure_ascii=False))


def _uncounted(view: Any) -> Callable[..., Any]:
    """Make the same view without its throttle."""
    options = {**view.initkwargs, "throttle_classes": ()}
    made = view.cls.as_view(view.actions, **options) if hasattr(view, "actions") else view.cls.as_view(**options)
    return cast(Callable[..., Any], made)


def _further(blogs: Answer | None, name: str, filters: dict[str, str]) -> str:
    """Return the query of this page that shows the API's next or previous page, "" where there is none."""
    address = blogs.value.get(name) if blogs and not blogs.is_problem else None
    cursor = parse_qs(urlsplit(address).query).get("cursor") if address else None
    return urlencode({**filters, "cursor": cursor[0]}) if cursor else ""
