"""Limits how many requests one site may send: django-ratelimit counts, DRF answers 429 with Retry-After."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from wix.models import Site


class SiteThrottle(BaseThrottle):
    """Counts sites and not addresses, since it runs after authentication. Health and stats have no site, and so no limit."""

    def __init__(self) -> None:
        self._wait = 60

    def allow_request(self, request: Request, view: object) -> bool:
        site = request.user
        if not isinstance(site, Site):
            return True

        def key(group: str, request: Any) -> str:
            return str(site.pk)

        usage = get_usage(
            request._request, group="api", key=key, rate=f"{settings.SITE_REQUESTS_PER_MINUTE}/m", increment=True
        )
        if usage is None:
            return True
        # The window includes its last second.
        self._wait = max(1, usage["time_left"] + 1)
        return not usage["should_limit"]

    def wait(self) -> float:
        return self._wait
