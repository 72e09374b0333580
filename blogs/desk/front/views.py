"""What the first page asks for while it is open, and the runbook's pages."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from blogs.desk.front import parts, runbook


@require_safe
@never_cache
def now(request: HttpRequest) -> JsonResponse:
    """Return the parts that have changed. The page names the mark that it has of each, as `?alerts=0a1b…`.

    A script can't follow a redirect to the login, so it is told of that by 401.
    """
    if not admin.site.has_permission(request):
        return JsonResponse({"login": reverse("admin:login")}, status=401)
    if not parts.may_look(request.user):
        return JsonResponse({"needs": "blogs.view_bloggeneration"}, status=403)
    shown = parts.lately(request.user)
    changed = {part.name: part for part in shown.parts if request.GET.get(part.name) != part.mark}
    return JsonResponse(
        {"at": shown.at, "parts": {name: {"mark": part.mark, "html": part.html} for name, part in changed.items()}}
    )


@require_safe
def runbook_page(request: HttpRequest, kind: str) -> HttpResponse:
    found = runbook.sections().get(kind)
    if not found:
        raise Http404("The runbook has no such section.")
    heading, text = found
    others = [(name, title) for name, (title, _) in runbook.sections().items()]
    shown = {"title": heading, "text": text, "kind": kind, "sections": others}
    return render(request, "admin/front/runbook.html", {**admin.site.each_context(request), **shown})
