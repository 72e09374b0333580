"""A dialog of the desk learns where its form leads, and takes no message from the page that it leads to."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.support.blogs.desk_pages import BLOGS, visible
from tests.support.factories import failed_generation

pytestmark = pytest.mark.django_db

DIALOG = {"X-Desk-Dialog": "1", "Accept": "text/html"}


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


def test_what_was_done_is_said_on_the_page_that_follows(desk: Client) -> None:
    blog = failed_generation()
    wanted = {"action": "retry", "_selected_action": blog.pk, "confirmed": "1", "reason": "ticket 7"}

    led = desk.post(reverse(BLOGS), wanted, headers=DIALOG)

    assert (led.status_code, led.content, "Location" in led) == (204, b"", False)
    assert "Retried: 1." in visible(desk.get(led["X-Desk-Location"]).content.decode())


def test_a_question_is_answered_as_ever(desk: Client) -> None:
    blog = failed_generation()

    asked = desk.post(reverse(BLOGS), {"action": "retry", "_selected_action": blog.pk}, headers=DIALOG)

    assert (asked.status_code, "X-Desk-Location" in asked) == (200, False)


def test_others_are_redirected(desk: Client) -> None:
    assert desk.get("/admin").status_code == 302
