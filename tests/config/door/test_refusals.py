"""Who meets an error at the desk reads a page in the desk's own look, and what to do; programs read problem+json."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from blogs.desk.front import state
from tests.support.blogs.desk_pages import BLOGS, visible

pytestmark = pytest.mark.django_db

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def desk(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def read(client: Client, path: str) -> tuple[int, str]:
    answer = client.get(path, headers=BROWSER)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    page = answer.content.decode()
    assert "<style" not in page
    assert "<script>" not in page
    return answer.status_code, visible(page)


def test_a_page_that_is_not_there(desk: Client) -> None:
    status, page = read(desk, "/admin/blogs/nothing/")

    assert (status, "There is no such page" in page, "Audit log" in page) == (404, True, True)


@pytest.fixture
def shops_only(db: None) -> Client:
    """Staff who may see shops, and nothing else."""
    user, client = User.objects.create_user("vera", is_staff=True), Client()
    user.user_permissions.add(Permission.objects.get(codename="view_site", content_type__app_label="wix"))
    client.force_login(user)
    return client


def test_a_page_that_a_role_may_not_open_says_who_can_help(shops_only: Client) -> None:
    status, page = read(shops_only, reverse(BLOGS))

    assert (status, "An admin can give you a role" in page, "Sites" in page, "Audit log" in page) == (
        403, True, True, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "query", ["?status=%00", "?q=%00", "?id__gt=99999999999999999999999999", "?p=x", "?nonsense=1"]
)
def test_a_patched_address_is_answered_with_a_page(desk: Client, query: str) -> None:
    answer = desk.get(reverse(BLOGS) + query, headers=BROWSER, follow=True)

    assert answer.status_code in (200, 400)
    assert "Blog generation" in visible(answer.content.decode())


def test_a_form_of_another_login_is_refused_in_words(desk: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = desk.cookies

    answer = strict.post(reverse(BLOGS), {"action": "cancel"}, headers=BROWSER)

    assert answer.status_code == 403
    assert "load its page again" in visible(answer.content.decode())


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(OperationalError("server closed"), 503, "The database is away"), (KeyError("x"), 500, "An engineer finds")],
)
def test_an_error_of_ours_names_the_request(
    desk: Client, monkeypatch: Any, error: Exception, status: int, said: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(state, "read", fail)
    desk.raise_request_exception = False

    answer = desk.get(reverse("admin:index"), headers={**BROWSER, "X-Request-ID": "seven"})

    assert answer.status_code == status
    page = visible(answer.content.decode())
    assert said in page
    assert answer.headers["X-Request-ID"] in page


def test_a_program_gets_problem_json(desk: Client, shops_only: Client) -> None:
    missing, forbidden = desk.get("/admin/blogs/nothing/"), shops_only.get(reverse(BLOGS))

    assert (missing.json()["code"], forbidden.json()["code"]) == ("not_found", "permission_denied")
