"""Strangers with false dashboard tokens: none of them keeps a web thread from the others for long."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.support import factories
from tests.support.app import APP_ID
from tests.support.problems import problem
from tests.support.threads import at_once, in_background, wait_until
from wix.identity import token_info
from wix.identity.asking import NoAnswer, Questions
from wix.identity.signed_instance import sign_instance
from workers import limits
from workers.errors import RateLimited
from workers.limits import Limit, limit_rows


def _get(token: str) -> Any:
    return Client(raise_request_exception=False).get("/api/credits", headers={"authorization": token})


def _false(sandbox: Any) -> str:
    """One of the right form, of which Wix knows nothing good."""
    return str(sandbox.dashboard_token(str(uuid.uuid4()), APP_ID, active=False))


def test_a_token_that_wix_has_refused_is_refused_for_a_while_without_asking(sandbox: Any, settings: Any) -> None:
    token = _false(sandbox)

    for _ in range(3):
        assert "not valid" in problem(_get(token), 401, "invalid_token")["detail"]
    assert len(sandbox.requests("wix", "token_info")) == 1

    settings.WIX_TOKEN_INFO_REFUSED_SECONDS = 0
    token = _false(sandbox)
    assert [_get(token).status_code for _ in range(2)] == [401, 401]
    assert len(sandbox.requests("wix", "token_info")) == 3


def test_false_tokens_push_no_good_one_out_and_are_not_kept_for_ever(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_info._refused, "most", 3)
    good = str(sandbox.dashboard_token(str(factories.site().instance_id), APP_ID))
    assert _get(good).status_code == 200

    for _ in range(5):
        assert _get(_false(sandbox)).status_code == 401

    assert len(token_info._refused) == 3
    assert _get(good).status_code == 200
    assert len(sandbox.requests("wix", "token_info")) == 6


def test_while_wix_hangs_only_some_threads_wait_and_the_others_answer(sandbox: Any, settings: Any) -> None:
    settings.WIX_TOKEN_INFO_THREADS = 2
    shop = factories.site(credits=75)
    sandbox.fault("wix", "timeout", "token_info", seconds=2, times=10)
    waiting = [in_background(lambda: _get(_false(sandbox))) for _ in range(2)]
    wait_until(lambda: token_info._questions._asking == 2)

    began = time.monotonic()
    refused = [_get(_false(sandbox)) for _ in range(8)]
    signed = _get(f"Bearer {sign_instance(shop.instance_id)}")

    assert time.monotonic() - began < 1
    assert [problem(answer, 503, "identity_unavailable")["retryable"] for answer in refused] == [True] * 8
    assert [answer["Retry-After"] for answer in refused] == ["1"] * 8
    assert signed.json()["available"] == 75
    for thread in waiting:
        thread.join()
    assert token_info._questions._asking == 0


def test_no_request_waits_for_the_limit(sandbox: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "wix_token_info": {"requests": 60}}
    for _ in range(2):
        limit_rows.ask(Limit("wix_token_info"))

    began = time.monotonic()
    answers = [_get(_false(sandbox)) for _ in range(5)]

    assert time.monotonic() - began < 1
    assert [answer.status_code for answer in answers] == [503] * 5
    assert not sandbox.requests("wix", "token_info")


def test_a_limit_is_waited_for_no_longer_than_the_caller_has_patience(db: None, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "replicate": {"requests": 60}}
    limits.register(Limit("replicate"))
    limit_rows.ask(Limit("replicate"))

    with pytest.raises(RateLimited, match="used up"):
        limits.acquire(Limit("replicate"), patience=0.1)


def test_the_calls_of_a_page_that_opens_ask_once_together(sandbox: Any) -> None:
    token = str(sandbox.dashboard_token(str(factories.site(credits=75).instance_id), APP_ID))

    answers = at_once(*[lambda: _get(token)] * 5)

    assert [answer.json()["available"] for answer in answers] == [75] * 5
    assert len(sandbox.requests("wix", "token_info")) == 1


class _Asked:
    """A question that is open until it is let go."""

    def __init__(self, end: Callable[[], str]) -> None:
        self.may_end = threading.Event()
        self.count = 0
        self._end = end

    def __call__(self) -> str:
        self.count += 1
        assert self.may_end.wait(10)
        return self._end()


def test_a_thread_that_waits_for_anothers_question_hears_its_answer_or_of_none(db: None) -> None:
    def fails() -> str:
        raise ZeroDivisionError

    for end, heard in ((lambda: "yes", "yes"), (fails, None)):
        questions: Questions[str] = Questions()
        asked = _Asked(end)
        ends: list[Any] = []

        def ask(questions: Questions[str] = questions, asked: _Asked = asked, ends: list[Any] = ends) -> None:
            try:
                ends.append(questions.ask(b"x", asked, seconds=10))
            except (NoAnswer, ZeroDivisionError) as error:
                ends.append(type(error))

        threads = [in_background(ask) for _ in range(3)]
        wait_until(lambda questions=questions: questions._asking + questions._following == 3)  # type: ignore[misc]
        asked.may_end.set()
        for thread in threads:
            thread.join()

        assert asked.count == 1
        expected = [heard] * 3 if heard else [NoAnswer, NoAnswer, ZeroDivisionError]
        assert sorted(ends, key=str) == sorted(expected, key=str)
        assert not questions._open


def test_no_more_threads_than_may_wait_for_one_answer(db: None, settings: Any) -> None:
    """One asks, and as many as may ask follow: a page's first requests, which bring the same token."""
    settings.WIX_TOKEN_INFO_THREADS = 1
    questions: Questions[str] = Questions()

    def asks_on() -> str:
        follower = in_background(lambda: followed.append(questions.ask(b"x", lambda: "never asked", seconds=10)))
        wait_until(lambda: questions._following == 1)
        for about in (b"x", b"y"):
            with pytest.raises(NoAnswer):
                questions.ask(about, lambda: "never asked", seconds=10)
        followers.append(follower)
        return "yes"

    followed: list[str] = []
    followers: list[threading.Thread] = []
    assert questions.ask(b"x", asks_on, seconds=10) == "yes"
    followers[0].join()
    assert followed == ["yes"]
    assert (questions._asking, questions._following) == (0, 0)
    assert questions.ask(b"x", lambda: "again", seconds=10) == "again"
