from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
import requests

from tests.sandbox import Sandbox
from tests.sandbox.limits import Bucket, BySecond, SlidingWindow
from tests.sandbox.openai import OpenAI
from tests.sandbox.replicate import Replicate
from tests.sandbox.world import World
from tests.support.sandbox_calls import INSTANCE, WixSite, completion_request


def statuses(count: int, **request: Any) -> list[int]:
    with requests.Session() as session, ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda _: session.request(timeout=10, **request).status_code, range(count)))


def test_openai_refuses_the_451st_call_of_a_minute(sandbox: Sandbox, order: dict[str, Any]) -> None:
    body = completion_request(order, max_completion_tokens=500)
    url, headers = f"{sandbox.openai_url}/chat/completions", {"Authorization": "Bearer k"}

    answered = statuses(451, method="POST", url=url, json=body, headers=headers)

    assert sorted(answered)[-2:] == [200, 429]
    stats = sandbox.stats()
    assert stats["violations"] == stats["openai"]["rejected"] == 1
    assert stats["openai"]["maxInWindow"]["requests"] == 451
    assert stats["openai"]["charged"]["requests"] == 450


def test_openai_refuses_what_would_pass_its_tokens(
    sandbox: Sandbox, openai_client: openai.OpenAI, order: dict[str, Any]
) -> None:
    openai_client.chat.completions.create(**completion_request(order, max_completion_tokens=449_000))

    with pytest.raises(openai.RateLimitError, match="tokens per min") as caught:
        openai_client.chat.completions.create(**completion_request(order))

    assert caught.value.type == "tokens"
    assert 55 <= int(caught.value.response.headers["retry-after"]) <= 60


def test_only_creates_count_for_replicate_s_450(sandbox: Sandbox) -> None:
    headers = {"Authorization": "Bearer k"}
    create_url = f"{sandbox.replicate_url}/v1/models/a/b/predictions"

    reads = statuses(460, method="GET", url=f"{sandbox.replicate_url}/v1/predictions/x", headers=headers)
    creates = statuses(451, method="POST", url=create_url, json={"input": {"prompt": "x"}}, headers=headers)

    assert set(reads) == {404}
    assert sorted(creates)[-2:] == [201, 429]


def test_a_wix_site_s_limit_is_its_own(sandbox: Sandbox, wix_site: WixSite) -> None:
    sandbox.add_shop("22222222-2222-4333-8444-555555555555")
    other = WixSite(sandbox, "22222222-2222-4333-8444-555555555555")
    url = f"{sandbox.wix_url}/stores/v3/provision/version"

    answered = statuses(201, method="GET", url=url, headers={"Authorization": wix_site.token})

    assert sorted(answered)[-2:] == [200, 429]
    assert other.call("GET", "/stores/v3/provision/version").status_code == 200


def test_limits_change_at_run_time(sandbox: Sandbox, wix_site: WixSite) -> None:
    before = sandbox.limits()
    sandbox.limits(wix_requests=1)
    try:
        answered = [wix_site.call("GET", "/stores/v3/provision/version").status_code for _ in range(2)]
    finally:
        sandbox.limits(**before)

    assert answered == [200, 429]


def test_a_reset_empties_the_windows_and_keeps_the_shops(sandbox: Sandbox, wix_site: WixSite) -> None:
    statuses(201, method="GET", url=f"{sandbox.wix_url}/nowhere", headers={"Authorization": wix_site.token})

    sandbox.reset()

    assert wix_site.call("GET", "/stores/v3/provision/version").json() == {"catalogVersion": "V3_CATALOG"}
    assert sandbox.stats()["violations"] == 0
    assert sandbox.drafts(INSTANCE) == []


def test_a_call_leaves_the_window_after_60_seconds_and_a_refused_one_stays_as_long() -> None:
    now = 0.0
    window = SlidingWindow(limit=2, clock=lambda: now)

    assert window.take()
    now = 30
    assert window.take()
    assert not window.take()
    assert window.seconds_until_free() == 60  # two of three have to go, and the second leaves at 90

    now = 61
    assert not window.take()
    now = 121
    assert window.take()


def test_a_bucket_refuses_a_burst_that_a_sliding_minute_lets_pass() -> None:
    now = 0.0
    bucket, window = Bucket(limit=60, clock=lambda: now), SlidingWindow(limit=60, clock=lambda: now)

    assert [bucket.take() for _ in range(7)] == [True] * 6 + [False]
    assert all(window.take() for _ in range(7))
    assert bucket.seconds_until_free() == pytest.approx(1.0)
    now = 2.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_by_the_second_a_burst_is_refused_and_an_even_pace_is_not() -> None:
    now = 0.0
    window = BySecond(limit=450, clock=lambda: now)

    assert [window.take() for _ in range(8)] == [True] * 7 + [False]  # 7.5 fit into a second
    passed = []
    for _ in range(440):
        now += 60 / 440
        passed.append(window.take())

    assert all(passed)


def test_by_the_second_a_minute_holds_no_more_than_its_limit() -> None:
    now = 0.0
    window = BySecond(limit=600, clock=lambda: now)
    assert all(window.take() for _ in range(10))
    for _ in range(590):
        now += 0.1001
        assert window.take()

    now = 59.9  # time enough for the second, but the first ten are still in the minute

    assert not window.take()


def test_a_bucket_that_is_halved_fills_at_half_the_rate_from_then_on() -> None:
    now = 0.0
    bucket = Bucket(limit=600, clock=lambda: now)
    assert [bucket.take() for _ in range(61)] == [True] * 60 + [False]

    now = 1.0
    bucket.change(300)
    assert [bucket.take() for _ in range(11)] == [True] * 10 + [False]  # what has run in before the change
    now = 2.0
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]
    now = 100.0
    assert [bucket.take() for _ in range(31)] == [True] * 30 + [False]


def test_a_halved_window_is_full_until_enough_of_it_has_left() -> None:
    now = 0.0
    window = SlidingWindow(limit=60, clock=lambda: now)
    for _ in range(60):
        window.take()
        now += 1.0

    window.change(30)

    assert window.remaining == 0
    assert window.seconds_until_free() == 30


@pytest.mark.parametrize("limit", [0, -1, "many", 1.5])
def test_a_limit_that_is_none_is_refused(sandbox: Sandbox, limit: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        sandbox.limits(openai_requests=limit)


@pytest.mark.parametrize("policy", ["bucket", "second"])
def test_a_policy_that_refuses_bursts_holds_for_openai_and_replicate(policy: str) -> None:
    world = World(policy=policy)

    for requests_of in (OpenAI(world).requests, Replicate(world).creates):
        assert not all(requests_of.take() for _ in range(100))
    assert all(SlidingWindow(450).take() for _ in range(100))


def test_by_the_second_tokens_still_count_by_the_minute() -> None:
    assert OpenAI(World(policy="second")).tokens.take(20_000)
