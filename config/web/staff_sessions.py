"""Staff's sessions: they last as long as they are used; log and audit log tell of each login. django-axes counts and locks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from blogs import audit
from blogs.audit import Actor
from config.door.refusals import DESK
from config.web import known_browsers
from wix.identity.client_address import client_address

logger = logging.getLogger(__name__)

_UNKNOWN = "(unknown)"
_USED_AT = "used_at"
# What an open page asks by itself is no use of the session: a colleague who has gone home is logged out in time.
_BY_ITSELF = "desk-now"


class RenewSession:
    """Makes the use of a session renew it, at most once in a hundredth of its time.

    Django's SESSION_SAVE_EVERY_REQUEST would do it for all requests that bring a cookie, such as a health check in a browser: each
    would need the database, and be refused where the session has ended.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if not request.path_info.startswith(DESK):
            return response
        session, often = request.session, settings.SESSION_COOKIE_AGE / 100
        if request.resolver_match and request.resolver_match.url_name == _BY_ITSELF:
            return response
        if session.accessed and not session.is_empty() and time.time() - session.get(_USED_AT, 0) > often:
            session[_USED_AT] = time.time()
        return response


# Django and django-axes tell of logins by signals alone.


@receiver(user_logged_in)
def _logged_in(request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
    request.session[_USED_AT] = time.time()
    known_browsers.logged_in(request, user.get_username())
    logger.info("staff logged in", extra={"action": "login", **_about(request, user.get_username())})
    _audit(request, "login", user)


@receiver(user_logged_out)
def _logged_out(request: HttpRequest, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    if user is not None:
        _audit(request, "logout", user)


@receiver(user_login_failed)
def _login_failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    if request is not None and not getattr(request, "axes_locked_out", False):
        known_browsers.failed(request, str(credentials.get("username") or ""))
        about = _about(request, credentials.get("username"))
        logger.warning("login failed", extra={"action": "login_failed", **about})
        # Of names that are no login there may be any number; of one that is, the lock bounds them.
        if about["staff"] != _UNKNOWN:
            audit.record(Actor("", address=about["address"]), "login_failed", f"login {about['staff']}")


@receiver(user_locked_out)
def _locked_out(request: HttpRequest, username: str | None = None, **kwargs: Any) -> None:
    logger.warning("login locked", extra={"action": "login_locked", **_about(request, username)})


def _audit(request: HttpRequest, action: str, user: AbstractBaseUser) -> None:
    name = user.get_username()
    audit.record(Actor(name, user.pk, client_address(request)), action, f"login {name}")


def _about(request: HttpRequest, name: Any) -> dict[str, str]:
    """Name the login that is meant. What is no login of ours stays out of the log: it may be a password in the wrong field."""
    known = get_user_model().objects.filter(**{get_user_model().USERNAME_FIELD: name or ""}).exists()
    return {"staff": str(name) if known else _UNKNOWN, "address": client_address(request)}
