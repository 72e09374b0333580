"""What is read from the providers' answers about our limits. The texts are the providers' own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from blogs.providers import openai_limits, replicate_limits
from workers.limits import Named

REACHED = (
    "Rate limit reached for gpt-4.1-mini in organization org-x on tokens per min (TPM): Limit 50000, Used 47949, "
    "Requested 3006. Please try again in 1.146s. Visit https://platform.openai.com/account/rate-limits to learn more."
)
A_DAY = "Rate limit reached on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s."


def test_openais_headers_name_limits_and_what_is_left() -> None:
    headers = {
        "x-ratelimit-limit-requests": "450",
        "x-ratelimit-limit-tokens": "450000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-remaining-tokens": "449000",
        "x-ratelimit-reset-requests": "8m12.5s",
    }

    assert openai_limits.named(headers) == Named(450, 450_000, 0, 449_000)


def test_a_days_limit_is_not_a_minutes() -> None:
    headers = {
        "x-ratelimit-limit-requests": "200",
        "x-ratelimit-reset-requests": "23h18m29.144s",
        "x-ratelimit-limit-tokens": "450000",
        "x-ratelimit-reset-tokens": "17ms",
    }

    assert openai_limits.named(headers) == Named(None, 450_000)


def test_a_projects_own_limit_holds_where_it_is_smaller() -> None:
    headers = {
        "x-ratelimit-limit-tokens": "450000",
        "x-ratelimit-limit-project-tokens": "100000",
        "x-ratelimit-remaining-tokens": "300000",
        "x-ratelimit-remaining-project-tokens": "99000",
    }

    assert openai_limits.named(headers) == Named(None, 100_000, None, 99_000)


@pytest.mark.parametrize("said", ["", "unlimited", "-1", "0", "1.5", "99999999999", "2147483648", "²"])
def test_a_limit_that_cannot_be_one_is_not_named(said: str) -> None:
    assert openai_limits.named({"x-ratelimit-limit-requests": said}) == Named()


def test_servers_that_send_no_headers_name_nothing() -> None:
    assert openai_limits.named({}, "Too many requests.") == Named()


def test_the_text_of_a_refusal_names_a_minutes_limit_and_never_a_days() -> None:
    assert openai_limits.named({}, REACHED) == Named(tokens_per_minute=50_000)
    assert openai_limits.named({}, "on requests per min (RPM): Limit 3, Used 3") == Named(requests_per_minute=3)
    assert openai_limits.named({}, "on requests per min. (RPM): Limit: 3 / min.") == Named(requests_per_minute=3)
    assert openai_limits.named({}, A_DAY) == Named()


@pytest.mark.parametrize(
    ("headers", "text", "expected"),
    [
        ({"retry-after": "4"}, REACHED, 4.0),
        ({}, REACHED, 1.146),
        ({}, A_DAY, 432.0),
        ({}, "Please try again in 84ms.", 0.1),
        ({}, "Please try again in 6m0s.", 360.0),
        ({}, "Please try again in 1h2m3s.", 3723.0),
        ({}, "Please retry after 7 seconds.", 7.0),
        ({}, "Please retry in 33.5s.", 33.5),
        ({"llm_provider-retry-after": "9"}, "Slow down.", 9.0),
        ({"retry-after": "31536000"}, "", 7_200.0),
        ({}, "Please try again in 8760h.", 7_200.0),
        ({}, f"Please try again in {'9' * 400}s.", 7_200.0),
        ({}, "Slow down.", None),
    ],
)
def test_how_long_openai_asks_us_to_wait(headers: dict[str, str], text: str, expected: float | None) -> None:
    assert openai_limits.wait_of(headers, text) == (expected and pytest.approx(expected))


def refused(headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return httpx.Response(429, headers=headers, json=body)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refused({"Retry-After": "9"}, retry_after=4, detail="Your rate limit resets in ~5s."), 9.0),
        (refused(retry_after=4, detail="Your rate limit resets in ~5s."), 4.0),
        (refused(detail="Request was throttled. Your rate limit resets in ~5s."), 5.0),
        (refused(detail="Request was throttled. Expected available in 1 second."), 1.0),
        (refused({"ratelimit-reset": "3"}, detail="Request was throttled."), 3.0),
        (refused({"Retry-After": "1e300"}), 7_200.0),
        (refused(retry_after=10**30), 7_200.0),
        (refused(detail=f"Your rate limit resets in ~{'9' * 400}s."), 7_200.0),
        (refused({"ratelimit-reset": "31536000"}), 7_200.0),
        (refused(), None),
        (httpx.Response(429, json=["not", "an", "object"]), None),
        (httpx.Response(429, text="<html>"), None),
        (None, None),
    ],
)
def test_how_long_replicate_asks_us_to_wait(answer: httpx.Response | None, expected: float | None) -> None:
    assert replicate_limits.wait_of(answer) == expected


def test_replicate_says_what_is_left_and_names_a_limit_only_when_it_was_reduced() -> None:
    low_credit = (
        "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst "
        "of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~9s."
    )

    assert replicate_limits.named(httpx.Response(201, headers={"ratelimit-remaining": "599"})) == Named(
        requests_remaining=599
    )
    assert replicate_limits.named(refused(detail=low_credit)) == Named(requests_per_minute=6)
    assert replicate_limits.wait_of(refused(detail=low_credit)) == 9.0
    assert replicate_limits.named(httpx.Response(200, text="6 requests per minute")) == Named()
