"""Tells a dialog of the desk where its form leads. A script that followed the redirect would take the message that is for the next
page, and could not see the address before."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_ASKS, _LEADS_TO = "X-Desk-Dialog", "X-Desk-Location"
_REDIRECTS = (301, 302, 303)


class DeskDialogs:
    """Turns a redirect into 204 with the address in a header, for `blogs/static/desk/dialog.js`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if _ASKS in request.headers and response.status_code in _REDIRECTS:
            response[_LEADS_TO] = response["Location"]
            del response["Location"]
            response.status_code = 204
            response.content = b""
        return response
