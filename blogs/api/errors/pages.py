"""The pages to which a problem's `type` leads: what a code means and what to do, for whom a log or a browser brings here."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from blogs.api.errors.codes import CODES, address


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    pages = [{"code": code, "address": address(code), "about": about} for code, about in CODES.items()]
    return render(request, "api/errors.html", {"pages": pages})


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    code = slug.replace("-", "_")
    about = CODES.get(code)
    if about is None or address(code).rpartition("/")[2] != slug:
        raise Http404
    example = {
        "type": address(code),
        "title": about.title,
        "status": about.http,
        "code": code,
        "detail": "…",
        "retryable": about.retryable,
        "requestId": "0f8c1d0c2b6e4d0f9a7be349ab9461c4",
    }
    shown = {"code": code, "about": about, "example": json.dumps(example, indent=2, ensure_ascii=False)}
    return render(request, "api/error.html", shown)
