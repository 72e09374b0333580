"""What a person at the desk reads in place of a page: there is none, they may not open it, or something went wrong.

Programs at the same addresses, and all others, get problem+json.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from blogs.api.errors import problems
from blogs.operations.operators import NotAnOperator
from workers.database.outage import DATABASE_AWAY

DESK = "/admin"
_TITLES = {
    400: "This address asks for what there is not",
    403: "You may not do this",
    404: "There is no such page",
    429: "Too many at once",
    500: "Something went wrong on our side",
    503: "The database is away",
}


def is_of_a_person(request: HttpRequest) -> bool:
    """Tell whether a browser asks for a page of the desk."""
    return request.path_info.startswith(DESK) and "text/html" in request.headers.get("Accept", "")


def page(request: HttpRequest, http: int, detail: str, *, with_sidebar: bool = False) -> HttpResponse:
    """Render the page that says so. With a sidebar only where the reader is known, since that asks the database."""
    context: dict[str, Any] = {
        "title": _TITLES.get(http, "This can't be done"),
        "detail": detail,
        "request_id": getattr(request, "request_id", ""),
        "site_header": admin.site.site_header,
        "site_title": admin.site.site_title,
    }
    if with_sidebar and hasattr(request, "user"):
        return HttpResponse(
            render_to_string("admin/refusal.html", {**admin.site.each_context(request), **context}, request),
            status=http,
        )
    return HttpResponse(render_to_string("admin/refusal.html", context), status=http)


# --- What Django calls: config/urls.py and config/settings.py name these ------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_of_a_person(request):
        return problems.bad_request(request, exception)
    return page(request, 400, "A part of it can't be read. Go back, and follow a link of the desk.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    why = str(exception) or "Your role lacks the right to open this page."
    if isinstance(exception, NotAnOperator) and exception.may_bring_token:
        asked = {"WWW-Authenticate": "Bearer"}
        return problems.plain_problem(request, 401, code="not_authenticated", detail=why, headers=asked)
    if not is_of_a_person(request):
        return problems.plain_problem(request, 403, code="permission_denied", detail=why)
    return page(request, 403, f"{why} An admin can give you a role that may.", with_sidebar=True)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_of_a_person(request):
        return problems.not_found(request)
    return page(request, 404, "It was removed, or its address was mistyped.", with_sidebar=True)


def server_error(request: HttpRequest) -> HttpResponse:
    answer = problems.server_error(request)
    if not is_of_a_person(request):
        return answer
    if isinstance(sys.exception(), DATABASE_AWAY):
        shown = page(request, 503, "What you did last may not have been done: look once it is back, in a few seconds.")
    else:
        shown = page(request, 500, "An engineer finds what it was by the number below.")
    for name in {"Retry-After"} & set(answer.headers):
        shown[name] = answer[name]
    return shown


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = "The form was made for another login, or is too old. Go back, load its page again, and send it once more."
    return page(request, 403, detail)


def locked_out(request: HttpRequest, original: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """Answer a login whose name or address is locked."""
    return page(request, 429, settings.AXES_COOLOFF_MESSAGE)
