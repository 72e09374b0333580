"""Browsers in which staff have logged in before: for them, a stranger's failed logins lock no name and no address.

A stranger who knows a name can fail with it until it is locked, again and again. So a login leaves a signed cookie in its browser,
which is counted by itself from then on: OWASP calls it a device cookie. It opens nothing without the password, and after
ADMIN_LOGIN_FAILURES wrong ones it is worth nothing until ADMIN_LOGIN_LOCK_SECONDS have passed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "staff_browser"
_SALT = "config.web.known_browsers"
# Renewed by each login.
_SECONDS = 180 * 24 * 3600
_HERE = "staff_browser_of"


def is_known(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> bool:
    """Tell whether this name has logged in here before, and hasn't failed too often since: AXES_WHITELIST_CALLABLE."""
    name, browser = mark_of(request)
    if not browser or name != (credentials or {}).get("username"):
        return False
    return bool(cache.get(_failures(browser), 0) < settings.AXES_FAILURE_LIMIT)


def mark_of(request: HttpRequest) -> tuple[str, str]:
    """Return the name and the number that our cookie says; two empty strings where there is none of ours."""
    try:
        name, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return "", ""
    return name, browser


def failed(request: HttpRequest, name: str) -> None:
    """Count a wrong password in a browser that is known for this name."""
    known, browser = mark_of(request)
    if browser and known == name and not cache.add(_failures(browser), 1, settings.ADMIN_LOGIN_LOCK_SECONDS):
        cache.incr(_failures(browser))


def logged_in(request: HttpRequest, name: str) -> None:
    setattr(request, _HERE, name)


class MarkBrowser:
    """Gives the browser of a login its cookie, for the login page alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if name := getattr(request, _HERE, ""):
            response.set_cookie(
                COOKIE,
                signing.dumps([name, secrets.token_urlsafe(12)], salt=_SALT),
                max_age=_SECONDS,
                path=reverse("admin:login"),
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def _failures(browser: str) -> str:
    return f"staff_browser:{browser}"
