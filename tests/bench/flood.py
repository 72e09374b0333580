"""What others feel of one site that floods, and of clients that take their time: `make bench NAME=flood`.

Twenty polite sites each send a request about once a second. Milliseconds are those of the polite, from sending to the whole answer;
four scenes, in turn and three times each:

- `alone`.
- `beside_flood`: a site posts 200 times a second over 150 connections, whatever it is told.
- `beside_bare_flood`: the same flood, sent to another server with as many processes and threads, which refuses each request in two
  lines. It takes nothing from ours but the machine: what the polite feel of it is the flood's sender, the kernel and any server.
- `among_slow`: 40 clients drip heads or bodies, and `/health/live` is asked too.

Sender, server and PostgreSQL share the machine. `cpu`: how many of its cores each was using.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from typing import Any

import psutil

from config.processes import Processes, listener
from tests.bench import crowd
from tests.bench.intake import PROCESSES, THREADS, serving, shops
from tests.bench.posting import Answers, Connection, request
from wix.identity.signed_instance import sign_instance
from wix.models import Site

_POLITE, _EACH_SECONDS = 20, 1.0
_ROUNDS, _SCENE_SECONDS = 3, 15.0
_FLOOD_PER_SECOND, _FLOOD_CONNECTIONS = 200, 150
_SLOW = 40
_DRIPS = (
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    b"POST /api/blog-generation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{",
)
_LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
_BODY = b'{"sourceType":"keyword","sourceId":"wool scarves"}'


def measure() -> dict[str, Any]:
    *polite, greedy = shops(_POLITE + 1)
    # No worker takes what is asked for, and a full line would refuse the flood before its rate does.
    with serving(BLOG_QUEUE_LIMIT="1000000") as (port, web), _bare_server() as bare_port:
        scenes = {
            "alone": _Scene(),
            "beside_flood": _Scene(flooded=port),
            "beside_bare_flood": _Scene(flooded=bare_port),
            "among_slow": _Scene(dripped=port),
        }
        asyncio.run(_play(scenes, port, web, polite, greedy))
    alone = scenes["alone"].told()
    return {
        "polite": {name: scene.told() for name, scene in scenes.items()},
        "times": {
            name: {share: round(scene.told()[share] / alone[share], 2) for share in ("p50_ms", "p99_ms")}
            for name, scene in scenes.items()
            if name != "alone"
        },
        "live": {name: _told(scenes[name].live) for name in ("alone", "among_slow")},
        "flood": {name: scenes[name].flood_told() for name in ("beside_flood", "beside_bare_flood")},
        "cpu": {name: scene.cpu_told() for name, scene in scenes.items()},
    }


class _Scene:
    """What the polite are beside, and how they fared."""

    def __init__(self, *, flooded: int = 0, dripped: int = 0) -> None:
        self.flooded, self.dripped = flooded, dripped
        self.posted, self.live = Answers(), Answers()
        self._floods: list[dict[str, Any]] = []
        self._used: list[tuple[float, crowd.Usage]] = []

    async def play(self, port: int, web: list[psutil.Process], polite: list[Site], greedy: Site) -> None:
        async with self._trouble(greedy):
            before, began = await asyncio.to_thread(crowd.usage, web), time.perf_counter()
            await _polite(port, polite, self.posted, self.live, _SCENE_SECONDS)
            used = await asyncio.to_thread(crowd.usage, web) - before
            self._used.append((time.perf_counter() - began, used))

    @asynccontextmanager
    async def _trouble(self, greedy: Site) -> AsyncIterator[None]:
        flooding = _flooding(self.flooded, greedy, self._floods) if self.flooded else nullcontext()
        dripping = asyncio.ensure_future(_drip(self.dripped, _SLOW if self.dripped else 0))
        try:
            with flooding:
                yield
        finally:
            dripping.cancel()
            with suppress(asyncio.CancelledError):
                await dripping

    def told(self) -> dict[str, Any]:
        return _told(self.posted)

    def flood_told(self) -> dict[str, Any]:
        statuses: Counter[str] = Counter()
        for flood in self._floods:
            statuses.update(flood["statuses"])
        seconds = sum(flood["seconds"] for flood in self._floods)
        return {"sent_per_s": round(statuses.total() / seconds), "answers": dict(sorted(statuses.items()))}

    def cpu_told(self) -> dict[str, float]:
        seconds = sum(seconds for seconds, _ in self._used)
        used = {
            "web": sum(used.worker_cpu for _, used in self._used) / seconds,
            "postgres": sum(used.postgres_cpu for _, used in self._used) / seconds,
        }
        if self._floods:
            used["sender"] = sum(each["cpu_seconds"] for each in self._floods) / sum(e["seconds"] for e in self._floods)
        return {name: round(cores, 2) for name, cores in used.items()}


async def _play(
    scenes: dict[str, _Scene], port: int, web: list[psutil.Process], polite: list[Site], greedy: Site
) -> None:
    await _polite(port, polite, Answers(), Answers(), 5.0)
    for _ in range(_ROUNDS):
        for name, scene in scenes.items():
            await scene.play(port, web, polite, greedy)
            print(f"{name}: {scene.told()}", flush=True)


@contextmanager
def _bare_server() -> Iterator[int]:
    with (
        Processes(dict(os.environ), log=crowd.LOG.with_name("bare.log"), grace=5) as running,
        listener("127.0.0.1", 0) as at,
    ):
        arguments = f"-m gunicorn -k gthread -w {PROCESSES} --threads {THREADS} --keep-alive 75 -b fd://{at.fileno()}"
        running.start_with(at, "bare", *arguments.split(), "tests.bench.bare_refusal")
        yield int(at.getsockname()[1])


@contextmanager
def _flooding(port: int, site: Site, told: list[dict[str, Any]]) -> Iterator[None]:
    arguments = [str(number) for number in (port, _FLOOD_PER_SECOND, _FLOOD_CONNECTIONS)]
    sender = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.flooder", *arguments],
        env={**os.environ, "FLOOD_TOKEN": sign_instance(site.instance_id)},
        stdout=subprocess.PIPE,
    )
    try:
        yield
    finally:
        sender.terminate()
        told.append(json.loads(sender.communicate()[0]))


async def _polite(port: int, sites: list[Site], posted: Answers, live: Answers, seconds: float) -> None:
    until = time.perf_counter() + seconds
    posts = [request("/api/blog-generation", sign_instance(site.instance_id), _BODY) for site in sites]
    await asyncio.gather(
        *[_now_and_then(port, sent, posted, until) for sent in posts], _now_and_then(port, _LIVE, live, until)
    )


async def _now_and_then(port: int, sent: bytes, answers: Answers, until: float) -> None:
    connection = Connection(port)
    await asyncio.sleep(random.uniform(0, _EACH_SECONDS))
    while time.perf_counter() < until:
        await connection.ask(sent, answers)
        await asyncio.sleep(random.uniform(0.5, 1.5) * _EACH_SECONDS)
    connection.close()


async def _drip(port: int, clients: int) -> None:
    await asyncio.gather(*[_drip_one(port, _DRIPS[number % len(_DRIPS)]) for number in range(clients)])


async def _drip_one(port: int, first: bytes) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            while not writer.is_closing():
                await asyncio.sleep(0.5)
                writer.write(b"1")
                await writer.drain()


def _told(answers: Answers) -> dict[str, Any]:
    return {
        "answers": {str(status): count for status, count in sorted(answers.statuses.items())},
        "lost": answers.lost,
        "p50_ms": round(1_000 * answers.quantile(0.5), 1),
        "p99_ms": round(1_000 * answers.quantile(0.99), 1),
    }
