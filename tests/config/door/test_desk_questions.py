"""Forged forms and addresses at the desk: 400, and no error of ours."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from config.door.wsgi_request import Handler
from tests.support.problems import problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("ada"))
    return browser


@pytest.mark.parametrize("row", ["abc", "1.5", "", "None", "\0", "1' or 1=1", "٣x"])
@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("blogs/bloggeneration", "retry"),
        ("wix/site", "pause"),
        ("wix/webhookdelivery", "replay"),
        ("auth/user", "delete_selected"),
    ],
)
def test_a_row_that_none_can_have_is_refused(desk: Client, page: str, action: str, row: str) -> None:
    answer = desk.post(f"/admin/{page}/", {"action": action, "index": "0", "_selected_action": ["1", row]})

    problem(answer, 400, "malformed")


def test_a_row_that_is_gone_is_no_mistake(desk: Client) -> None:
    form = {"action": "retry", "index": "0", "_selected_action": ["999999999", "9" * 30]}

    assert desk.post("/admin/blogs/bloggeneration/", form).status_code in (200, 302)


@pytest.mark.parametrize("query", ["pk__regex=(((", "created_at__year=99999999999"])
def test_a_value_that_the_database_can_not_take_is_refused(desk: Client, query: str) -> None:
    problem(desk.get(f"/admin/credits/credit/?{query}"), 400, "malformed")


def test_head_is_answered_with_the_head_alone() -> None:
    """gunicorn logs a warning for each body that is too much, and load balancers ask so."""
    told: list[tuple[str, list[tuple[str, str]]]] = []
    request = RequestFactory().head("/health/live").environ

    body = b"".join(Handler()(request, lambda status, headers: told.append((status, headers))))

    assert body == b""
    [(status, headers)] = told
    assert status == "200 OK"
    assert int(dict(headers)["Content-Length"]) > 0
