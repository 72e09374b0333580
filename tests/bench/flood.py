"""What others feel of one site that floods, and of clients that take their time: `make bench NAME=flood`.

Twenty polite sites each send a request about once a second, in turn alone and beside a site that posts 200 times a second over 150
connections, whatever it is told; three times each. Then beside 40 clients that drip heads or bodies, where `/health/live` is asked
too. Milliseconds are those of the polite, from sending to the whole answer.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tests.bench.intake import serving, shops
from tests.bench.posting import Answers, Connection, request
from wix.identity.signed_instance import sign_instance
from wix.models import Site

_POLITE, _EACH_SECONDS = 20, 1.0
_ROUNDS, _PHASE_SECONDS = 3, 15.0
_FLOOD_PER_SECOND, _FLOOD_CONNECTIONS = 200, 150
_SLOW = 40
_DRIPS = (
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    b"POST /api/blog-generation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{",
)
_LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def measure() -> dict[str, Any]:
    *polite, greedy = shops(_POLITE + 1)
    with serving() as (port, _):
        return asyncio.run(_measure(port, polite, greedy))


async def _measure(port: int, polite: list[Site], greedy: Site) -> dict[str, Any]:
    flood = _Flood(port, greedy)
    alone, beside, among_slow = Answers(), Answers(), Answers()
    live_alone, live_among_slow = Answers(), Answers()
    await _polite(port, polite, Answers(), Answers(), 5.0)
    for _ in range(_ROUNDS):
        await _polite(port, polite, alone, live_alone, _PHASE_SECONDS)
        await _beside(flood.run, _polite(port, polite, beside, Answers(), _PHASE_SECONDS))
        await _beside(lambda: _drip(port), _polite(port, polite, among_slow, live_among_slow, _PHASE_SECONDS))
    found = {"alone": _told(alone), "beside_flood": _told(beside), "among_slow": _told(among_slow)}
    return {
        "polite": found,
        "times": {
            name: {share: round(found[name][share] / found["alone"][share], 2) for share in ("p50_ms", "p99_ms")}
            for name in ("beside_flood", "among_slow")
        },
        "live": {"alone": _told(live_alone), "among_slow": _told(live_among_slow)},
        "flood": {
            "sent_per_s": round(sum(flood.statuses.values()) / (_ROUNDS * _PHASE_SECONDS)),
            "answers": {str(status): count for status, count in sorted(flood.statuses.items())},
        },
    }


async def _beside(trouble: Callable[[], Awaitable[None]], measured: Awaitable[None]) -> None:
    running = asyncio.ensure_future(trouble())
    await asyncio.sleep(1)
    try:
        await measured
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _polite(port: int, sites: list[Site], posted: Answers, live: Answers, seconds: float) -> None:
    until = time.perf_counter() + seconds
    posts = [request("/api/blog-generation", sign_instance(site.instance_id), _body()) for site in sites]
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


class _Flood:
    """A site that posts as often as it pleases, whatever it is told."""

    def __init__(self, port: int, site: Site) -> None:
        self._port = port
        self._post = request("/api/blog-generation", sign_instance(site.instance_id), _body())
        self.statuses: Counter[int] = Counter()

    async def run(self) -> None:
        ticks = itertools.count()
        began = time.perf_counter()
        await asyncio.gather(*[self._work(ticks, began) for _ in range(_FLOOD_CONNECTIONS)])

    async def _work(self, ticks: itertools.count[int], began: float) -> None:
        connection = Connection(self._port)
        while True:
            due = began + next(ticks) / _FLOOD_PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answers = Answers(self.statuses)
            await connection.ask(self._post, answers)


async def _drip(port: int) -> None:
    await asyncio.gather(*[_drip_one(port, _DRIPS[number % len(_DRIPS)]) for number in range(_SLOW)])


async def _drip_one(port: int, first: bytes) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            while not writer.is_closing():
                await asyncio.sleep(0.5)
                writer.write(b"1")
                await writer.drain()


def _body() -> bytes:
    return b'{"sourceType":"keyword","sourceId":"wool scarves"}'


def _told(answers: Answers) -> dict[str, Any]:
    return {
        "answers": {str(status): count for status, count in sorted(answers.statuses.items())},
        "lost": answers.lost,
        "p50_ms": round(1_000 * answers.quantile(0.5), 1),
        "p99_ms": round(1_000 * answers.quantile(0.99), 1),
    }
