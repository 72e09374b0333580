"""`/api/schema`: the document, as JSON or YAML; `/api/docs`: a page to read it and to try the calls."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from blogs.api.errors.problems import plain_problem
from blogs.api.openapi import document

_TYPES = {
    "application/json": False,
    document.JSON_TYPE: False,
    document.YAML_TYPE: True,
    "application/yaml": True,
    "text/yaml": True,
}
_FORMATS = {"json": "application/json", "yaml": "application/yaml"}


@require_safe
def schema(request: HttpRequest) -> HttpResponseBase:
    """Answer with the document. `format` (json, yaml) or the Accept header chooses its form."""
    asked = request.GET.get("format")
    media = _FORMATS.get(asked) if asked is not None else request.get_preferred_type([*_FORMATS.values(), *_TYPES])
    if media is None:
        detail = f"This is to be had as one of: {', '.join(_TYPES)}; or with `format`: json, yaml."
        return plain_problem(request, 406, code="not_acceptable", detail=detail)
    found = document.rendered(as_yaml=_TYPES[media])
    known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
    is_known = found.etag in known or "*" in known
    answer = HttpResponseNotModified() if is_known else HttpResponse(found.text, content_type=f"{media}; charset=utf-8")
    answer["ETag"] = found.etag
    answer["Cache-Control"] = "public, no-cache"
    patch_vary_headers(answer, ["Accept"])
    return answer


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "api/docs.html")
