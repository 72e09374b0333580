"""A stranger's failed logins lock a name for new browsers, and not for one that staff have used before."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from config.web import known_browsers
from tests.support.logins import log_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(ada: User) -> Client:
    """A browser in which ada has logged in, and out."""
    browser = Client()
    assert log_in(browser=browser) == 302
    browser.post("/admin/logout/")
    assert browser.get("/admin/").status_code == 302
    return browser


def lock_by_strangers() -> None:
    for number in range(5):
        log_in(password="wrong", address=f"198.51.100.{number}")


def test_a_name_that_strangers_lock_is_not_locked_in_its_own_browser(known: Client) -> None:
    lock_by_strangers()

    assert log_in() == 429
    assert log_in(browser=known) == 302


def test_an_address_that_strangers_lock_is_not_locked_for_it_either(known: Client) -> None:
    for number in range(5):
        log_in(name=f"name-{number}", password="wrong")

    assert log_in() == 429
    assert log_in(browser=known) == 302


def test_it_is_known_for_its_own_name_alone(known: Client) -> None:
    User.objects.create_superuser("bob", password="another long password")
    for number in range(5):
        log_in(name="bob", password="wrong", address=f"198.51.100.{number}")

    assert log_in(name="bob", password="another long password", browser=known) == 429


def test_it_may_fail_as_often_as_any_other(known: Client) -> None:
    lock_by_strangers()
    tries = [log_in(password="wrong", browser=known) for _ in range(3)]

    assert tries == [200, 200, 200]
    assert log_in(browser=known) == 429


def test_who_guesses_in_it_is_locked_like_any_other(known: Client) -> None:
    for _ in range(6):
        log_in(password="wrong", browser=known)

    assert log_in(browser=known) == 429


def test_a_good_login_makes_it_another_browser(known: Client) -> None:
    cookie = known.cookies[known_browsers.COOKIE].value
    for password in ("wrong", "wrong", "wrong"):
        log_in(password=password, browser=known)
    assert log_in(browser=known) == 302
    lock_by_strangers()

    assert known.cookies[known_browsers.COOKIE].value != cookie
    assert log_in(browser=known) == 302


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "WyJhZGEiLCJ4Il0:1w:forged"])
def test_a_cookie_that_we_did_not_sign_is_worth_nothing(ada: User, cookie: str) -> None:
    lock_by_strangers()
    browser = Client()
    browser.cookies[known_browsers.COOKIE] = cookie

    assert log_in(browser=browser) == 429


def test_an_old_one_is_worth_nothing(known: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=181)):
        lock_by_strangers()

        assert log_in(browser=known) == 429


def test_the_cookie_goes_to_the_login_page_alone_and_says_no_secret(known: Client) -> None:
    cookie = known.cookies[known_browsers.COOKIE]

    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/admin/login/", True, "Lax")
