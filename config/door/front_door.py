"""Refuses, in one place and before any other code reads them, requests that would only fail later; and reads bodies in chunks.

Each refusal is one line in the log, without a traceback: a stranger can send any number of these.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from gunicorn.http.errors import ParseException

from blogs.api.errors.problems import plain_problem
from blogs.api.webhooks import BODY_MAX_BYTES, webhooks
from config.door import content_types, refusals
from config.door.refusals import DESK

logger = logging.getLogger(__name__)

_HAVE_BODIES = {"POST", "PUT", "PATCH"}


class FrontDoor:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_for_operators(request.path_info):
            # Probes and Prometheus call by address. Nothing is made of the name: neither link nor redirect nor cookie.
            request.get_host = request._get_raw_host  # type: ignore[attr-defined,method-assign]
        elif not _is_our_host(request):
            return refused(request, 400, "malformed", "This service has another host name.", logging.WARNING)
        if because := _mistake(request):
            return refused(request, 400, "malformed", because)
        response = self._get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not request.path_info.startswith(DESK):
            return _not_allowed(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Read a body whose end only the server knows, since Django takes a missing length for an empty body."""
        if request.method not in _HAVE_BODIES or request.META.get("CONTENT_LENGTH"):
            return None
        if not request.META.get("wsgi.input_terminated"):
            return None
        request.has_no_length = "HTTP_TRANSFER_ENCODING" not in request.META  # type: ignore[attr-defined]
        most = BODY_MAX_BYTES if view is webhooks else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            body: bytes = request.META["wsgi.input"].read(most + 1)
        except (OSError, ParseException):
            return refused(request, 400, "malformed", "The body breaks off, or its chunks are not as HTTP has them.")
        if len(body) > most:
            return refused(request, 413, "request_too_large", f"The body may have {most} bytes.")
        request.META["CONTENT_LENGTH"] = str(len(body))
        request._stream = io.BytesIO(body)
        return None


def _is_for_operators(path: str) -> bool:
    return any(re.match(pattern, path[1:]) for pattern in settings.SECURE_REDIRECT_EXEMPT)


def _is_our_host(request: HttpRequest) -> bool:
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


def _not_allowed(request: HttpRequest, response: HttpResponseNotAllowed) -> HttpResponse:
    """Answer a method that a view of Django's own refuses, which has no body."""
    answer = refused(request, 405, "method_not_allowed", f"This address takes {response['Allow']}.")
    answer["Allow"] = response["Allow"]
    return answer


def _mistake(request: HttpRequest) -> str:
    """Say why a request can't be understood; '' for one that can."""
    if content_types.read(request.META.get("CONTENT_TYPE", "")) is None:
        return "The Content-Type can't be read, or its charset is not UTF-8 nor another that extends ASCII."
    if not content_types.is_acceptable(request.META.get("HTTP_ACCEPT", "")):
        return "The Accept header can't be read."
    if request.path_info.startswith(DESK) and _has_nul(request):
        return f"A NUL character is no part of any name or value{_named(request)}."
    return ""


def _has_nul(request: HttpRequest) -> bool:
    """Look for what PostgreSQL takes in no text: lists' searches and filters, addresses, cookies."""
    query = request.META.get("QUERY_STRING", "")
    sent = [request.path_info, query, *request.COOKIES.values()]
    return "%00" in query or any("\0" in text for text in sent)


def _named(request: HttpRequest) -> str:
    """Say which parameters of the address have one; "" where it is elsewhere."""
    query = request.META.get("QUERY_STRING", "").split("&")
    names = {unquote_plus(part.partition("=")[0]).replace("\0", "␀")[:40] for part in query if "%00" in part}
    return f": leave it out of {', '.join(f'“{name}”' for name in sorted(names))}" if names else ""


def refused(request: HttpRequest, http: int, code: str, detail: str, level: int = logging.INFO) -> HttpResponse:
    host = request.META.get("HTTP_HOST", "")[:100]
    about = {"action": "refused", "http": http, "code": code, "because": detail, "host": host}
    logger.log(level, "request refused", extra=about)
    if refusals.is_of_a_person(request):
        answer = refusals.page(request, http, detail)
    else:
        answer = plain_problem(request, http, code=code, detail=detail)
    answer["Content-Length"] = str(len(answer.content))
    return answer
