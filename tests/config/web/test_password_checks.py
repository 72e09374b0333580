"""Passwords are checked one at a time, so that no number of strangers' logins stops the service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.web import known_browsers, password_checks
from config.web.known_browsers import MarkBrowser
from config.web.password_checks import PasswordChecks

_LOGIN = "/admin/login/"


class Desk:
    """Answers when it is told to, and knows how many passwords are being checked."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.here = threading.Semaphore(0)
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.here.release()
        assert self.may_end.wait(10)
        with self._lock:
            self._now -= 1
        return HttpResponse("checked")


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.may_end.set()


def login(*, of: str = "") -> HttpRequest:
    request = RequestFactory().post(_LOGIN)
    if of:
        known_browsers.logged_in(request, of)
        answer = MarkBrowser(lambda _: HttpResponse())(request)
        request.COOKIES[known_browsers.COOKIE] = answer.cookies[known_browsers.COOKIE].value
    return request


def test_one_is_checked_two_wait_and_the_others_come_back(desk: Desk) -> None:
    checks = PasswordChecks(desk)
    with ThreadPoolExecutor(10) as strangers:
        answers = [strangers.submit(checks, login()) for _ in range(10)]
        refused = [answer for answer in answers if _is_refused(answer.result(5) if answer.done() else None)]
        while len(refused) < 7:
            refused = [answer for answer in answers if answer.done() and _is_refused(answer.result())]
        desk.may_end.set()
        statuses = sorted(answer.result(10).status_code for answer in answers)

    assert statuses == [200] * 3 + [429] * 7
    assert refused[0].result()["Retry-After"] == "3"
    assert desk.most == 1


def _is_refused(answer: HttpResponse | None) -> bool:
    return answer is not None and answer.status_code == 429


def test_a_known_browser_has_a_place_of_its_own(desk: Desk) -> None:
    checks = PasswordChecks(desk)
    with ThreadPoolExecutor(5) as callers:
        strangers = [callers.submit(checks, login()) for _ in range(4)]
        assert desk.here.acquire(timeout=5)
        ours = callers.submit(checks, login(of="ada"))
        assert desk.here.acquire(timeout=5)
        desk.may_end.set()

        assert ours.result(10).status_code == 200
        assert [answer.result(10).status_code for answer in strangers].count(200) == 3


def test_who_waited_too_long_comes_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_checks, "_WAIT_SECONDS", 0.05)
    checks = PasswordChecks(desk)
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(checks, login())
        assert desk.here.acquire(timeout=5)

        assert callers.submit(checks, login()).result(5).status_code == 429
        desk.may_end.set()
        assert first.result(10).status_code == 200


@pytest.mark.parametrize("request_", [RequestFactory().get(_LOGIN), RequestFactory().post("/api/blog-generation")])
def test_all_else_passes(desk: Desk, request_: HttpRequest) -> None:
    desk.may_end.set()
    checks = PasswordChecks(desk)
    with ThreadPoolExecutor(8) as callers:
        assert {answer.status_code for answer in callers.map(checks, [request_] * 8)} == {200}
