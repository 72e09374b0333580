"""Stories of colleagues: who sees which buttons, how a role is given, what the audit log says of it, how one logs in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from tests.browser.browsing import Person
from tests.support import factories

BLOGS = "/admin/blogs/bloggeneration/"
_RETRY, _REFUND, _PAUSE = "Retry from scratch", "Refund", "Pause the line"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("Viewer", set()),
        ("Support", {_RETRY}),
        ("Billing", {_REFUND, "Grant or adjust"}),
        ("Operator", {_RETRY, _PAUSE, "Make a key"}),
        ("Admin", {_RETRY, _REFUND, _PAUSE, "Make a key", "Grant or adjust"}),
    ],
)
def test_a_colleague_sees_only_the_buttons_of_their_role(hire: Callable[..., Person], role: str, may: set[str]) -> None:
    failed = factories.failed_generation()
    done = factories.done_generation(failed.site)
    person = hire(role)
    seen = set()
    for path in (f"{BLOGS}{failed.pk}/change/", f"{BLOGS}{done.pk}/change/", f"/admin/wix/site/{done.site_id}/change/"):
        person.opens(path)
        person.sees("History")
        names = {_RETRY, _REFUND, _PAUSE, "Make a key", "Grant or adjust"}
        seen |= {name for name in names if person.page.get_by_role("button", name=name, exact=True).count()}

    assert seen == may


def test_an_admin_gives_a_colleague_a_role(hire: Callable[..., Person]) -> None:
    User.objects.create_user("nina")
    ada = hire("Admin", "ada")
    ada.opens("/admin/")

    ada.clicks("Users", within="#pages")
    ada.page.get_by_role("row", name="nina").get_by_role("link", name="role").click()
    ada.chooses("Role", "Support")
    ada.fills("Reason", "she has joined us")
    ada.clicks("Give this role", "button")

    ada.sees("nina is Support now.")
    ada.clicks("Audit log", within="#pages")
    ada.sees("she has joined us", "ada")


def test_a_stranger_logs_in_with_a_password_and_only_then_sees_a_page(at_browser: Callable[..., Person]) -> None:
    User.objects.create_superuser("ada", password="a long and right password")
    ada = at_browser()
    ada.opens(BLOGS)

    ada.fills("Username:", "ada")
    ada.fills("Password:", "a wrong password")
    ada.presses("Enter")
    ada.sees("Please enter the correct username and password")
    ada.fills("Password:", "a long and right password")
    ada.presses("Enter")

    ada.sees("Blog generations", within="h1")
