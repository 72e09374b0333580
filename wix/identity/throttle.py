"""Limits how many requests one site may send: django-ratelimit counts, DRF answers 429 with Retry-After."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from wix.identity import site_limits
from wix.models import Site

# The attribute of Django's request that says what is left (`config/door/rate_fields.py`).
STATE = "rate_state"


class SiteThrottle(BaseThrottle):
    """Counts sites and not addresses, since it runs after authentication. Health and stats have no site, and so no limit.

    What it learns of a site it leaves to the web process (`site_limits`), which then refuses a request before anything reads it.
    """

    def __init__(self) -> None:
        self._wait = 60

    def allow_request(self, request: Request, view: object) -> bool:
        site = request.user
        if not isinstance(site, Site):
            return True
        if credential := site_limits.credential_of(request.META):
            site_limits.learn(credential, site.pk)

        def key(group: str, request: Any) -> str:
            return str(site.pk)

        limit = settings.SITE_REQUESTS_PER_MINUTE
        usage = get_usage(request._request, group="api", key=key, rate=f"{limit}/m", increment=True)
        if usage is None:
            return True
        # The window includes its last second.
        self._wait = max(1, usage["time_left"] + 1)
        setattr(request._request, STATE, site_limits.state(limit - usage["count"], self._wait))
        if usage["should_limit"]:
            site_limits.note_over(site.pk, self._wait)
            return False
        return True

    def wait(self) -> float:
        return self._wait
