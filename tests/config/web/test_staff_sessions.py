"""Staff's logins: counted, locked, logged; and sessions that end when they aren't used."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone

from blogs.models import AuditEntry
from tests.support import processes
from tests.support.logins import RIGHT, log_in

pytestmark = pytest.mark.django_db


def test_a_name_is_locked_wherever_it_is_tried_from(ada: User) -> None:
    for number in range(3):
        log_in(password="wrong", address=f"198.51.100.{number}")

    assert log_in(address="203.0.113.99") == 429


def test_an_address_is_locked_whatever_names_it_tries(ada: User) -> None:
    for number in range(3):
        log_in(name=f"name-{number}", password="wrong")

    assert log_in() == 429
    assert log_in(address="203.0.113.99") == 302


def test_another_browser_or_a_strangers_word_makes_no_other_address(ada: User) -> None:
    for number in range(3):
        told: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}", "HTTP_USER_AGENT": f"browser {number}"}
        log_in(name=f"name-{number}", password="wrong", **told)

    assert log_in(HTTP_X_FORWARDED_FOR="198.51.100.77") == 429


def test_behind_a_trusted_proxy_each_address_is_counted_by_itself(ada: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    for number in range(3):
        log_in(name=f"name-{number}", password="wrong", address="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1")

    assert log_in(address="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1") == 429
    assert log_in(address="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.2") == 302


def test_a_lock_ends_by_itself_though_a_stranger_goes_on(ada: User, settings: Any) -> None:
    for _ in range(3):
        log_in(password="wrong", address="198.51.100.1")
    began = timezone.now()

    with time_machine.travel(began + timedelta(seconds=settings.ADMIN_LOGIN_LOCK_SECONDS - 5)):
        assert log_in(password="wrong", address="198.51.100.1") == 429
    with time_machine.travel(began + timedelta(seconds=settings.ADMIN_LOGIN_LOCK_SECONDS + 5)):
        assert log_in() == 302


def test_a_good_login_forgets_the_failures_before_it(ada: User) -> None:
    for password in ("wrong", "wrong", RIGHT, "wrong", "wrong"):
        log_in(password=password)

    assert log_in() == 302


def test_who_is_logged_in_stays_so_while_the_name_is_locked(ada: User) -> None:
    browser = Client()
    browser.force_login(ada)
    for _ in range(3):
        log_in(password="wrong", address="198.51.100.1")

    assert browser.get("/admin/").status_code == 200


def test_each_login_is_logged_with_name_and_address_and_no_password(ada: User, caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        for password in (RIGHT, "hunter2", "hunter2", "hunter2", "hunter2"):
            log_in(password=password)

    lines = [(line.action, line.staff, line.address) for line in caplog.records if hasattr(line, "staff")]
    assert [action for action, *_ in lines] == ["login", "login_failed", "login_failed", "login_locked", "login_locked"]
    assert {(staff, address) for _, staff, address in lines} == {("ada", "203.0.113.5")}
    assert not any(secret in str(vars(line)) for line in caplog.records for secret in (RIGHT, "hunter2"))


def test_a_name_that_is_no_login_of_ours_is_not_logged(ada: User, caplog: Any) -> None:
    """A password is sometimes typed into the wrong field."""
    for _ in range(5):
        log_in(name="hunter2", password="")
        log_in(name="hunter2", password="x")

    staff = [line.staff for line in caplog.records if hasattr(line, "staff")]
    assert set(staff) == {"(unknown)"}
    assert not any("hunter2" in str(vars(line)) for line in caplog.records)


def test_the_audit_log_tells_of_logins_and_of_failures_of_names_that_are_logins(ada: User) -> None:
    log_in(name="hunter2", password="x")
    log_in(password="hunter2")
    log_in()

    entries = list(AuditEntry.objects.order_by("id").values_list("action", "by", "about", "address"))
    assert entries == [
        ("login_failed", "", "login ada", "203.0.113.5"),
        ("login", "ada", "login ada", "203.0.113.5"),
    ]


def test_a_session_ends_eight_hours_after_its_last_use(ada: User) -> None:
    browser, began = Client(), timezone.now()
    with time_machine.travel(began):
        browser.force_login(ada)

    def at(hours: float) -> int:
        with time_machine.travel(began + timedelta(hours=hours)):
            return browser.get("/admin/").status_code

    assert [at(7.9), at(15.7), at(23.5)] == [200, 200, 200]
    assert at(31.6) == 302


def test_a_health_check_with_an_ended_session_is_answered_without_the_database(
    django_assert_num_queries: Any,
) -> None:
    browser = Client()
    browser.cookies["sessionid"] = "nothing-of-ours-1234567890"

    with django_assert_num_queries(0):
        assert browser.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ADMIN_LOGIN_FAILURES": 0}, "blogs.E030"),
        ({"ADMIN_LOGIN_LOCK_SECONDS": 0}, "blogs.E030"),
        ({"SESSION_COOKIE_AGE": 5}, "blogs.E030"),
        ({"TRUSTED_PROXIES": ["10.0.0.0/8", "nginx"]}, "blogs.E031"),
        ({"TRUSTED_PROXIES": ["10.0.0.1/8"]}, "blogs.E031"),
    ],
)
def test_settings_that_make_no_sense_are_found(settings: Any, wrong: dict[str, Any], code: str) -> None:
    for name, value in wrong.items():
        setattr(settings, name, value)

    ours = [found.id for found in run_checks(tags=["compatibility"]) if str(found.id).startswith("blogs.")]
    assert ours == [code]


# With the second factor's tables for as long as it takes.
_WITH_A_CODE = """
import json
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import setup_test_environment
from io import StringIO
from urllib.parse import parse_qs, urlsplit
from base64 import b32decode
setup_test_environment()
with transaction.atomic():
    # Or PostgreSQL would end the session where a busy machine takes 5 s over the first page.
    connection.cursor().execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("ada", password="x")
    printed = StringIO()
    call_command("add_second_factor", "ada", stdout=printed)
    first = printed.getvalue()
    call_command("add_second_factor", "ada", stdout=printed)
    second = printed.getvalue().removeprefix(first)

    def log_in(**more):
        browser = Client()
        browser.post("/admin/login/", {"username": "ada", "password": "x", "next": "/admin/", **more})
        return browser.get("/admin/").status_code

    def code(address):
        from django_otp.oath import totp
        secret = parse_qs(urlsplit(address.strip()).query)["secret"][0]
        return f"{totp(b32decode(secret)):06d}"

    from django_otp import devices_for_user
    [device] = devices_for_user(User.objects.get())
    chosen = {"otp_device": device.persistent_id}
    print(json.dumps([log_in(), log_in(**chosen), log_in(otp_token=code(second), **chosen)]))
    transaction.set_rollback(True)
"""


@pytest.mark.slow_process
@pytest.mark.django_db(transaction=True)
def test_with_a_second_factor_a_password_is_not_enough() -> None:
    assert processes.ask(_WITH_A_CODE, ADMIN_SECOND_FACTOR="true") == [302, 302, 200]


@pytest.mark.slow_process
def test_without_it_none_can_be_added() -> None:
    ended = processes.run("manage.py", "add_second_factor", "ada")

    assert ended.returncode == 1
    assert "ADMIN_SECOND_FACTOR=true" in ended.stderr
