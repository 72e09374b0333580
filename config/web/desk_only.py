"""Middleware of Django's and of other packages that the support desk alone needs: sessions, forms' tokens, logins, messages.

The API knows none of these, and each would cost all of its requests a little. Django's system checks look for these classes or for
ones that inherit from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axes.middleware import AxesMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware

from config.door.refusals import DESK


class _DeskOnly:
    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(DESK):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class Sessions(_DeskOnly, SessionMiddleware):
    pass


class FormTokens(_DeskOnly, CsrfViewMiddleware):
    """Refuses forms that another site made. No view outside of the desk takes a form, or knows its caller by a cookie."""

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseForbidden | None:
        return super().process_view(request, *view) if request.path_info.startswith(DESK) else None


class Logins(_DeskOnly, AuthenticationMiddleware):
    pass


class Messages(_DeskOnly, MessageMiddleware):
    pass


class Locks(_DeskOnly, AxesMiddleware):
    pass


if settings.ADMIN_SECOND_FACTOR:
    from django_otp.middleware import OTPMiddleware

    class SecondFactor(_DeskOnly, OTPMiddleware):
        pass
