"""Whole-call deadlines against servers that always have one more byte, with each of our three HTTP clients as it is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import httpx2
import openai
import pytest
import requests
import urllib3

from tests.sandbox import Sandbox
from workers.context.deadline import DeadlineExceeded, remaining, within
from workers.context.departure import MissedPlace, leaving_by, timeouts
from workers.outbound.transports import Httpx2Transport, HttpxTransport, RequestsAdapter

_DRIPS_SECONDS = 20
_PATIENCE_SECONDS = 5

Ask = Callable[[Sandbox], object]


@pytest.fixture(scope="module")
def _running() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_running: Sandbox) -> Sandbox:
    _running.reset()
    return _running


def by_openai(sandbox: Sandbox) -> object:
    with (
        httpx2.Client(transport=Httpx2Transport()) as http,
        openai.OpenAI(api_key="k", base_url=sandbox.openai_url, max_retries=0, http_client=http) as client,
    ):
        return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])


def by_httpx(sandbox: Sandbox) -> object:
    with httpx.Client(transport=HttpxTransport(), headers={"Authorization": "Bearer k"}) as client:
        return client.get(f"{sandbox.replicate_url}/v1/predictions/x")


def by_requests(sandbox: Sandbox) -> object:
    with requests.Session() as session:
        session.mount("http://", RequestsAdapter())
        limits = timeouts()
        times = (limits["connect"], limits["read"])
        headers = {"Authorization": "Bearer k"}
        url = f"{sandbox.replicate_url}/v1/predictions/x"
        with session.get(url, headers=headers, timeout=times, stream=True) as answer:
            return answer.raw.read()


CLIENTS = pytest.mark.parametrize(
    ("ask", "provider"), [(by_openai, "openai"), (by_httpx, "replicate"), (by_requests, "replicate")]
)
TIMEOUTS = (
    DeadlineExceeded,
    openai.APITimeoutError,
    httpx.TimeoutException,
    requests.Timeout,
    urllib3.exceptions.TimeoutError,
)


@pytest.mark.parametrize("kind", ["drip", "drip_headers"])
@CLIENTS
def test_a_dripping_answer_ends_at_the_deadline(sandbox: Sandbox, ask: Ask, provider: str, kind: str) -> None:
    sandbox.fault(provider, kind, seconds=_DRIPS_SECONDS)
    began = time.monotonic()

    with pytest.raises(TIMEOUTS), within(0.7):
        ask(sandbox)

    assert 0.7 <= time.monotonic() - began < _PATIENCE_SECONDS


@CLIENTS
def test_a_call_that_was_cut_short_leaves_no_connection_behind_to_read_from(
    sandbox: Sandbox, ask: Ask, provider: str
) -> None:
    sandbox.fault(provider, "drip_headers", seconds=_DRIPS_SECONDS)
    with pytest.raises(TIMEOUTS), within(0.3):
        ask(sandbox)
    sandbox.clear_faults()

    with within(30):
        assert ask(sandbox)


@CLIENTS
def test_a_request_that_has_missed_its_place_does_not_leave(sandbox: Sandbox, ask: Ask, provider: str) -> None:
    with leaving_by(time.monotonic() - 0.001) as departure, pytest.raises((MissedPlace, openai.APIConnectionError)):
        ask(sandbox)

    assert departure.missed
    assert sandbox.requests(provider) == []


@CLIENTS
def test_what_follows_the_first_request_is_never_late(sandbox: Sandbox, ask: Ask, provider: str) -> None:
    with within(30), leaving_by(time.monotonic() + 60) as departure:
        ask(sandbox)
        departure.at_the_latest = time.monotonic() - 1
        ask(sandbox)

    assert not departure.missed


def test_the_earlier_end_holds() -> None:
    with within(1), within(100):
        assert remaining() <= 1
    with within(100), within(1):
        assert remaining() <= 1


def test_no_call_begins_after_the_deadline(sandbox: Sandbox) -> None:
    with within(0), pytest.raises(DeadlineExceeded):
        by_httpx(sandbox)

    assert sandbox.requests("replicate") == []
