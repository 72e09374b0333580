"""Counts each request and its seconds, by the name of its address in `config/urls.py`: never by the path, which a stranger chooses.

It stands before everything that may answer, and costs microseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from workers import metrics

_METHODS = {"GET", "HEAD", "POST", "PATCH", "OPTIONS", "PUT", "DELETE"}


class CountedRequests:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self._get_response(request)
        route = _route(request)
        method = request.method if request.method in _METHODS else metrics.OTHER
        metrics.count(metrics.REQUESTS, route, method or "", str(response.status_code))
        metrics.observe(metrics.REQUEST_SECONDS, route, seconds=time.perf_counter() - began)
        return response


def _route(request: HttpRequest) -> str:
    """Name the address. All pages of the support desk are one; what was answered before an address was looked up is `unrouted`."""
    match = request.resolver_match
    if match is None:
        return "unrouted"
    return match.namespace or match.url_name or "unnamed"
