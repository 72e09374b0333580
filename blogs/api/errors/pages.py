"""The pages to which a problem's `type` leads. They tell a person who has found the address in a log what to do."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from blogs.api.errors.codes import CODES, address
from blogs.api.errors.examples import example
from blogs.api.errors.problems import not_found


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    pages = [{"code": code, "address": address(code), "about": about} for code, about in CODES.items()]
    return render(request, "api/errors.html", {"pages": pages})


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a code's page. The code itself, with its underscores, leads there as well."""
    code = slug.replace("-", "_")
    about = CODES.get(code)
    if about is None:
        return not_found(request)
    shown = {"code": code, "about": about, "example": json.dumps(example(code), indent=2, ensure_ascii=False)}
    return render(request, "api/error.html", shown)


# The last address of a table: in development Django would answer a program with its page for a person at the keyboard.
NO_PAGE = re_path(r"^(?!admin)", csrf_exempt(lambda request: not_found(request)), name="no-page")
