"""What a browser may load for a page of ours: its own files, and nothing that stands in the page itself or comes from elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Pictures of articles and products lie at Wix and Replicate, on hosts that they may change.
_PAGES = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: https:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# What is no page: JSON that a browser is led to must not become one.
_OTHERS = "default-src 'none'; frame-ancestors 'none'"


class ContentPolicy:
    """Sends the policy with each answer that names none itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        response.setdefault("Content-Security-Policy", _PAGES if is_page else _OTHERS)
        return response
