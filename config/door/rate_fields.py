"""Tells every caller of the API what a site may send, and a known site what is left of it.

Which site a credential stands for is forgotten as soon as it is refused (`site_limits.forget`).
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from wix.identity import site_limits
from wix.identity.throttle import STATE

_API = "/api"
# 403 is also for a key that lacks a scope: it is learned again with its next request that is let in.
_REFUSED = (401, 403)


class RateFields:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.path_info.startswith(_API):
            response[site_limits.POLICY_FIELD] = site_limits.policy()
            if state := getattr(request, STATE, ""):
                response[site_limits.STATE_FIELD] = state
            if response.status_code in _REFUSED and (credential := site_limits.credential_of(request.META)):
                site_limits.forget(credential)
        return response
