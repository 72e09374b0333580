"""What a browser may load for a page of ours: its own files, and nothing that stands in the page itself or comes from elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Covers and photos come from Wix's media host alone: by then they lie there, and an article could name any other host to learn who
# reads it.
_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {media}; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
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
        policy = _PAGES.format(media=settings.WIX_MEDIA_BASE_URL) if is_page else _OTHERS
        response.setdefault("Content-Security-Policy", policy)
        return response
