"""500 listeners of live events on one process: `make bench NAME=listeners`.

A hundred shops with five streams each. Thirty times, half a second apart, something happens to a blog of each shop, by as many
transactions as four writers make of it; each of five listeners is told. Listeners, writers and the server share the machine.

- `p50_ms`, `p99_ms`, `max_ms`: from a commit until a listener has the event. `told_of`: how many of the messages came.
- `memory_kb_each`: what 500 listeners add to the process's memory, for one. `threads`: of the process, with all of them open.
- `open_s`: until all 500 streams are open. `idle_statements`: to the database within two seconds after all have left.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from django.db import connection

from blogs.models import BlogGeneration, GenerationEvent
from config.processes import Processes, listener
from tests.bench import crowd
from tests.support import factories
from wix.identity.signed_instance import sign_instance
from wix.models import Site
from workers.database.connections import release_connection

_SITES, _EACH, _ROUNDS, _PAUSE_SECONDS, _WRITERS = 100, 5, 30, 0.5, 4


def measure() -> dict[str, Any]:
    sites = [factories.site() for _ in range(_SITES)]
    blogs = [factories.pending_generation(site) for site in sites]
    with _served() as (port, pid):
        asyncio.run(_opened_and_closed(port, sites[:3]))
        empty = _memory_kb(pid)
        return asyncio.run(_measured(port, pid, sites, blogs, empty)) | {"idle_statements": _statements()}


async def _opened_and_closed(port: int, sites: list[Site]) -> None:
    """Warm up: what the first request of a process imports is no listener's."""
    for site in sites:
        _, writer = await _open(port, site)
        writer.close()
        await writer.wait_closed()


async def _measured(port: int, pid: int, sites: list[Site], blogs: list[BlogGeneration], empty: int) -> dict[str, Any]:
    began = time.perf_counter()
    opened = await asyncio.gather(*(_open(port, site) for site in sites for _ in range(_EACH)))
    open_seconds = time.perf_counter() - began
    arrived: list[tuple[int, float]] = []
    reading = [asyncio.create_task(_read(reader, arrived)) for reader, _ in opened]
    committed: dict[int, float] = {}
    await asyncio.to_thread(_happen, blogs, committed)
    wanted = len(committed) * _EACH
    ends_at = time.monotonic() + 30
    while len(arrived) < wanted and time.monotonic() < ends_at:
        await asyncio.sleep(0.1)
    memory, threads = _memory_kb(pid), len(os.listdir(f"/proc/{pid}/task"))
    for task in reading:
        task.cancel()
    for _, writer in opened:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)
    waits = [1000 * (at - committed[number]) for number, at in arrived]
    return {
        "listeners": len(opened),
        "events": len(committed),
        "told_of": f"{len(arrived)} of {wanted}",
        "p50_ms": round(statistics.median(waits)),
        "p99_ms": round(statistics.quantiles(waits, n=100)[98]),
        "max_ms": round(max(waits)),
        "memory_kb_each": round((memory - empty) / len(opened), 1),
        "memory_mb": round(memory / 1024),
        "threads": threads,
        "open_s": round(open_seconds, 1),
    }


async def _open(port: int, site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = sign_instance(site.instance_id)
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    head = await reader.readuntil(b"event: stream.opened")
    assert b" 200 " in head, head
    return reader, writer


async def _read(reader: asyncio.StreamReader, arrived: list[tuple[int, float]]) -> None:
    while line := await reader.readline():
        if line.startswith(b"id: "):
            arrived.append((int(line[4:]), time.perf_counter()))


def _happen(blogs: list[BlogGeneration], committed: dict[int, float]) -> None:
    lock = threading.Lock()

    def store(blog: BlogGeneration) -> None:
        event = GenerationEvent.objects.create(generation=blog, kind="put_first")
        with lock:
            committed[event.pk] = time.perf_counter()

    def some(mine: list[BlogGeneration]) -> None:
        for blog in mine:
            store(blog)
        release_connection()

    with ThreadPoolExecutor(_WRITERS) as writers:
        for _ in range(_ROUNDS):
            list(writers.map(some, [blogs[number::_WRITERS] for number in range(_WRITERS)]))
            time.sleep(_PAUSE_SECONDS)


@contextmanager
def _served() -> Iterator[tuple[int, int]]:
    environment = {**os.environ, "PREFLIGHT_REFUSES": "false"}
    with listener("127.0.0.1", 0) as at, Processes(environment, log=crowd.LOG, grace=5) as running:
        bind = f"fd://{at.fileno()}"
        process = running.start_with(at, "events", "-m", "config.streams", LIVE_EVENTS_BIND=bind)
        port = int(at.getsockname()[1])
        running.wait_for(lambda: _answers(port), seconds=60, what="the process")
        yield port, process.pid


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).ok
    except requests.RequestException:
        return False


def _memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def _statements() -> int:
    """Count what the process asks about events while there is no listener. A session that rests still shows its last statement."""
    time.sleep(2)
    seen = set()
    ends_at = time.monotonic() + 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (began,) = cursor.fetchone()
        while time.monotonic() < ends_at:
            cursor.execute(
                "SELECT pid, query_start FROM pg_stat_activity"
                " WHERE application_name = 'blogs-events' AND query LIKE %s AND query_start > %s",
                ["%blogs_generationevent%", began],
            )
            seen |= set(cursor.fetchall())
            time.sleep(0.02)
    return len(seen)
