"""Gives each request an id, in the answer's `X-Request-ID` and in each log line, so that a caller's report leads to its lines."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from workers.context.log_context import log_context

_ACCEPTED = re.compile(r"[A-Za-z0-9_.-]{8,64}")


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        with log_context(request_id=request_id):
            response = self._get_response(request)
        response["X-Request-ID"] = request_id
        return response
