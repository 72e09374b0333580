"""What the process of live events holds out: a database that goes away, its own end under listeners, callers that come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest
from django.db import connection

from blogs.models import BlogGeneration, GenerationEvent
from tests.support import factories
from tests.support.database import database_url
from tests.support.live_events import NAME, Served, Stream, serving
from tests.support.relay import Relay
from tests.support.threads import wait_until
from wix.models import Site
from workers.database.connections import release_connection

pytestmark = [pytest.mark.slow_process, pytest.mark.django_db(transaction=True)]

_GRACE_SECONDS = 9
_ABORTED = 1_000


@pytest.fixture
def relay() -> Iterator[Relay]:
    """The way to the database."""
    with closing(Relay(int(connection.settings_dict["PORT"]))) as relay:
        yield relay


def _happens(blog: BlogGeneration) -> int:
    return GenerationEvent.objects.create(generation=blog, kind="put_first").pk


def _opened(stack: ExitStack, live: Served, sites: list[Site], each: int) -> list[Stream]:
    streams = [stack.enter_context(live.stream(site)) for site in sites for _ in range(each)]
    for stream in streams:
        assert stream.status == 200
        assert stream.next()
    return streams


def test_listeners_outlast_the_database(relay: Relay, tmp_path: Path) -> None:
    log = tmp_path / "log"
    sites = [factories.site() for _ in range(5)]
    blogs = [factories.pending_generation(site) for site in sites]
    about = {"DATABASE_URL": database_url(relay.port), "LIVE_EVENTS_HEARTBEAT_SECONDS": "0.5"}
    with serving(log, **about) as live, ExitStack() as stack:
        streams = _opened(stack, live, sites, 20)
        process, lines = psutil.Process(live.process.pid), len(_lines(log))

        relay.cut()
        wait_until(lambda: "live events wait for the database" in log.read_text())
        numbers = [_happens(blog) for blog in blogs]
        spent = _seconds(process)
        for _ in range(4):
            assert streams[0].next(heartbeats=True)
        spent = _seconds(process) - spent
        told = _lines(log)[lines:]
        with live.stream(factories.site()) as refused:
            assert (refused.status, refused.problem()["code"]) == (503, "database_unavailable")
        relay.mend()
        heard = [stream.next() for stream in streams]

    assert [each.id for each in heard if each] == [number for number in numbers for _ in range(20)]
    # Of some four seconds, all of which a loop without a pause would have spent.
    assert spent < 1
    assert len(told) < 10, told


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines()


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def test_its_end_costs_two_hundred_listeners_no_event(transactional_db: None, tmp_path: Path) -> None:
    sites = [factories.site() for _ in range(10)]
    blogs = [factories.pending_generation(site) for site in sites]
    stop = threading.Event()

    def keep_happening() -> None:
        while not stop.is_set():
            for blog in blogs:
                _happens(blog)
            stop.wait(0.05)
        release_connection()

    log = tmp_path / "log"
    with serving(log) as live, ThreadPoolExecutor(1) as writer, ExitStack() as ending:
        ending.callback(stop.set)
        with ExitStack() as stack:
            streams = _opened(stack, live, sites, 20)
            writing = writer.submit(keep_happening)
            firsts = [stream.next() for stream in streams]
            live.process.terminate()
            heard = [[first.id, *_numbers(stream)] for first, stream in zip(firsts, streams, strict=True) if first]
            assert live.process.wait(_GRACE_SECONDS) == 0
        # What has not ended within its time, uvicorn cancels.
        assert "timeout graceful shutdown exceeded" not in log.read_text()
        stop.set()
        writing.result()
        last = [_happens(blog) for blog in blogs]
        live.start_again()
        for at, numbers in enumerate(heard):
            site, blog = sites[at // 20], blogs[at // 20]
            with live.stream(site, Last_Event_ID=str(numbers[-1])) as again:
                while numbers[-1] != last[at // 20]:
                    message = again.next()
                    assert message
                    numbers += [message.id] if message.id else []
            happened = GenerationEvent.objects.filter(generation=blog, pk__gte=numbers[0]).order_by("pk")
            assert numbers == [*happened.values_list("pk", flat=True)]


def _numbers(stream: Stream) -> list[int]:
    """Read to the end of a stream; return the numbers of its events."""
    return [message.id for message in stream.all() if message.id is not None]


def test_callers_that_come_and_go_leave_nothing_behind(transactional_db: None) -> None:
    site = factories.site()
    with serving() as live:
        process = psutil.Process(live.process.pid)
        _come_and_go(live, site, 50)
        wait_until(lambda: _is_quiet(live, process), 10)
        before = _held(process)

        _come_and_go(live, site, _ABORTED)

        wait_until(lambda: _is_quiet(live, process), 10)
        after = _held(process)
        with ExitStack() as stack:
            # All seats of the site are free again.
            _opened(stack, live, [site], 20)

    assert after["descriptors"] <= before["descriptors"] + 2
    assert after["threads"] <= before["threads"] + 1
    assert after["sessions"] <= before["sessions"] + 1
    assert after["megabytes"] <= before["megabytes"] + 15


def _come_and_go(live: Served, site: Site, times: int) -> None:
    for at in range(times):
        stream = live.stream(site) if at % 3 else None
        if stream is None:
            # It hangs up before it is answered.
            live.gone(site)
            continue
        if at % 3 == 1 and stream.status == 200:
            stream.next()
        stream.close()


def _is_quiet(live: Served, process: psutil.Process) -> bool:
    return not [
        each for each in process.net_connections() if each.status == psutil.CONN_ESTABLISHED and _is_of(each, live)
    ]


def _is_of(connected: object, live: Served) -> bool:
    return bool(getattr(connected, "laddr", None)) and connected.laddr.port == live.port  # type: ignore[attr-defined]


def _held(process: psutil.Process) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [NAME])
        (sessions,) = cursor.fetchone()
    return {
        "descriptors": process.num_fds(),
        "threads": process.num_threads(),
        "sessions": sessions,
        "megabytes": process.memory_info().rss / 2**20,
    }
