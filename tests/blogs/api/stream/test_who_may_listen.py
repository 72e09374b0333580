"""Who may open a stream, how many, and what ends one that is open."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.support import factories
from tests.support.live_events import Served, Stream
from wix.identity import api_keys
from wix.identity.signed_instance import sign_instance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow_process]


def _closed(stream: Stream) -> Any:
    """Return what is told at the end of a stream that must end within seconds."""
    began = time.monotonic()
    last = stream.all()[-1]
    assert time.monotonic() - began < 10
    return last


def test_another_sites_blog_is_not_there(live: Served) -> None:
    other = factories.done_generation(factories.site())

    with live.of_blog(factories.site(), other.pk) as stream:
        assert stream.status == 404
        assert stream.headers["content-type"] == "application/problem+json"
        assert stream.problem()["code"] == "not_found"


def test_a_stream_needs_a_credential(live: Served) -> None:
    for credential, code in (("abc.def", "invalid_token"), ("blog_" + "0" * 43, "invalid_token")):
        with Stream(live.port, "/api/events", credential) as stream:
            assert (stream.status, stream.problem()["code"]) == (401, code)


def test_a_revoked_key_closes_its_stream_and_no_other(live: Served) -> None:
    site = factories.site()
    (first, its_key), (_, other_key) = api_keys.issue(site, "one"), api_keys.issue(site, "two")
    with live.stream(site, credential=its_key) as stream, live.stream(site, credential=other_key) as other:
        stream.next()
        other.next()
        api_keys.revoke(first)

        last = _closed(stream)
        factories.pending_generation(site)
        assert other.until("blog.queued")

    assert (last.event, last.data) == ("stream.closed", {"code": "invalid_token"})
    with live.stream(site, credential=its_key) as again:
        assert again.status == 401


def test_a_key_that_expires_closes_its_stream(live: Served) -> None:
    site = factories.site()
    key, secret = api_keys.issue(site, "one", days=1)
    with live.stream(site, credential=secret) as stream:
        stream.next()
        key.expires_at = timezone.now()
        key.save()

        assert _closed(stream).event == "stream.closed"


def test_a_removed_site_hears_nothing_more(live: Served) -> None:
    site = factories.site()
    with live.stream(site) as stream:
        stream.next()
        site.removed_at = timezone.now()
        site.save()

        assert _closed(stream).event == "stream.closed"


def test_a_stream_ends_with_the_instance_that_opened_it(live: Served) -> None:
    site = factories.site()
    short = sign_instance(site.instance_id, lifetime=timedelta(seconds=2))
    with live.stream(site, credential=short) as stream:
        assert _closed(stream).event == "stream.closed"


def test_a_site_may_have_so_many_streams_and_another_site_is_not_kept_out(live: Served) -> None:
    site = factories.site()
    with ExitStack() as open_:
        streams = [open_.enter_context(live.stream(site)) for _ in range(3)]
        assert [stream.status for stream in streams] == [200] * 3
        with live.stream(site) as fourth:
            refused = fourth.problem()
        with live.stream(factories.site()) as other:
            assert other.status == 200

        streams[0].close()
        assert _opens_again(live, site)

    assert fourth.status == 429
    assert (refused["code"], refused["retryable"]) == ("too_many_listeners", True)
    assert int(fourth.headers["retry-after"]) > 0


def _opens_again(live: Served, site: Any) -> bool:
    """The process hears within moments that a client has gone."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        with live.stream(site) as stream:
            if stream.status == 200:
                return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("path", "field"), [("/api/events?since=1", "since"), ("/api/events?lastEventId=1", "lastEventId")]
)
def test_unknown_parameters_are_refused(live: Served, path: str, field: str) -> None:
    with live.stream(factories.site(), path) as stream:
        assert stream.status == 400
        assert stream.problem()["errors"][0]["field"] == field


@pytest.mark.parametrize("sent", ["x", "-1", "1.5", "9" * 19, "1 OR 1=1"])
def test_an_id_that_is_none_is_refused(live: Served, sent: str) -> None:
    with live.stream(factories.site(), Last_Event_ID=sent) as stream:
        assert stream.status == 400
        assert stream.problem()["errors"][0]["field"] == "Last-Event-ID"


def test_a_page_of_the_app_may_read_the_stream(live: Served) -> None:
    from tests.support.app import APP_ID

    origin = f"https://{APP_ID.lower()}.wix.run"
    with live.stream(factories.site(), Origin=origin) as stream:
        assert stream.headers["access-control-allow-origin"] == origin
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["x-request-id"]


def test_other_addresses_and_methods_are_refused_as_everywhere(live: Served) -> None:
    with live.stream(factories.site(), "/api/credits") as stream:
        assert (stream.status, stream.problem()["code"]) == (404, "not_found")


def test_a_web_process_says_that_another_one_serves_streams(client: Client) -> None:
    site = factories.site()
    answer = client.get("/api/events", headers={"authorization": f"Bearer {sign_instance(site.instance_id)}"})

    assert answer.status_code == 421
    assert answer.json()["code"] == "wrong_process"
