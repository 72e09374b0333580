"""Sessions, forms' tokens and messages are the desk's alone: an API request costs none of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string

from axes.middleware import AxesMiddleware  # isort: skip
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "of_django",
    [SessionMiddleware, CsrfViewMiddleware, AuthenticationMiddleware, MessageMiddleware, AxesMiddleware],
)
def test_the_desk_has_them_though_the_checks_for_two_are_silenced(of_django: type) -> None:
    found = [import_string(path) for path in settings.MIDDLEWARE]

    assert [each for each in found if isinstance(each, type) and issubclass(each, of_django)]


def test_an_api_request_has_no_session_and_no_user_of_the_desk(api: Any) -> None:
    answer = api(factories.site()).get("/api/credits")

    assert not hasattr(answer.wsgi_request, "session")
    assert not hasattr(answer.wsgi_request, "_messages")
    assert "sessionid" not in answer.cookies


def test_a_form_of_another_site_is_refused_at_the_desk() -> None:
    desk = Client(enforce_csrf_checks=True)
    desk.force_login(User.objects.create_superuser("ada"))

    assert desk.post(reverse("admin:logout")).status_code == 403
    assert desk.get(reverse("admin:index")).status_code == 200
