"""What goes wrong with streams: clients that go or do not read, a killed process, a process that has no room, garbage."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from django.db import connection

from blogs.models import GenerationEvent
from blogs.queue import lifecycle
from tests.support import factories
from tests.support.live_events import NAME, Message, Served, Stream, serving
from tests.support.threads import wait_until
from wix.models import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow_process]


def _events(site: Site) -> list[int]:
    return list(GenerationEvent.objects.filter(generation__site=site).order_by("pk").values_list("pk", flat=True))


def test_a_client_that_leaves_takes_nothing_with_it(live: Served) -> None:
    site = factories.site()
    leaving, staying = live.stream(site), live.stream(site)
    leaving.next()
    staying.next()

    leaving.close()
    blogs = [factories.pending_generation(site) for _ in range(3)]

    with staying:
        assert [staying.next().data["id"] for _ in blogs] == [blog.pk for blog in blogs]  # type: ignore[union-attr]


def test_a_killed_process_costs_its_callers_no_event_and_none_comes_twice(transactional_db: None) -> None:
    site = factories.site()
    with serving() as process:
        stream = process.stream(site)
        heard = [stream.next()]
        blog = factories.pending_generation(site)
        heard += stream.until("blog.queued")
        process.kill()
        with stream:
            assert stream.next() is None
        lifecycle.cancel(blog.pk, by="test")
        lost = factories.failed_generation(site)
        process.start_again()
        last = max(each.id or 0 for each in heard if each)
        with process.stream(site, Last_Event_ID=str(last)) as again:
            heard += again.until("blog.failed")
            lifecycle.requeue(lost.pk, by="test")
            heard += again.until("blog.queued")

    numbers = [each.id for each in heard if each and each.event.startswith("blog.")]
    assert numbers == _events(site)


def test_a_process_that_is_told_to_stop_ends_its_streams_at_once(transactional_db: None, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log) as process, process.stream(factories.site()) as stream:
        stream.next()
        process.process.terminate()
        assert stream.next() is None
        assert process.process.wait(10) == 0
    # What has not ended within its time, uvicorn cancels.
    assert "timeout graceful shutdown exceeded" not in log.read_text()


def test_a_full_process_refuses_with_a_problem_and_goes_on(transactional_db: None) -> None:
    sites = [factories.site() for _ in range(3)]
    with serving(LIVE_EVENTS_LISTENERS_MAX="2") as process, process.stream(sites[0]), process.stream(sites[1]) as two:
        with process.stream(sites[2]) as third:
            assert third.status == 503
            assert third.problem()["code"] == "listeners_full"
            assert third.headers["retry-after"]
        assert two.next()


def test_who_does_not_read_is_hung_up_on_and_misses_nothing(live: Served) -> None:
    site = factories.site()
    slow = live.stream(site, receive_bytes=2_048)
    quick = live.stream(site)
    slow.next()
    quick.next()
    blog = factories.pending_generation(site)

    with quick:
        heard = [_message(quick).id]
        for _ in range(10):
            _store(blog.pk, 400)
            heard += [_message(quick).id for _ in range(400)]
    with slow:
        got = _until_hung_up(slow)
    assert 0 < len(got) < 4_000
    with live.stream(site, Last_Event_ID=str(got[-1])) as again:
        rest = [_message(again).id for _ in range(1 + 4_001 - len(got))][1:]

    assert heard == _events(site)
    assert got + rest == heard


def test_while_there_is_no_listener_the_database_is_asked_nothing(live: Served) -> None:
    with live.stream(factories.site()) as stream:
        stream.next()
        while_listening = _last_asked()
        wait_until(lambda: _last_asked() != while_listening)

    def is_quiet() -> bool:
        before = _last_asked()
        time.sleep(0.5)
        return _last_asked() == before

    wait_until(is_quiet)


def _last_asked() -> object:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(query_start) FROM pg_stat_activity WHERE application_name = %s AND query LIKE %s",
            [NAME, "%blogs_generationevent%"],
        )
        return cursor.fetchone()


def _message(stream: Stream) -> Message:
    message = stream.next()
    assert message
    return message


def _store(blog: int, count: int) -> None:
    GenerationEvent.objects.bulk_create([GenerationEvent(generation_id=blog, kind="put_first") for _ in range(count)])


def _until_hung_up(stream: Stream) -> list[int]:
    found = []
    while message := stream.next():
        if message.id:
            found.append(message.id)
    return found


def test_what_is_no_http_is_refused_in_the_form_of_all_errors(live: Served) -> None:
    with socket.create_connection(("127.0.0.1", live.port), 10) as client:
        client.sendall(b"GARBAGE\r\n\r\n")
        answer = b""
        with suppress(ConnectionResetError):
            while data := client.recv(4_096):
                answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["code"] == "malformed"


def test_one_connection_has_one_request(live: Served) -> None:
    answer = requests.get(f"http://127.0.0.1:{live.port}/health/live", timeout=10)

    assert answer.ok
    assert answer.headers["Connection"] == "close"
