"""The flood of the benchmark `flood`, in a process of its own: in the benchmark's process it would delay the polite sites' figures.

The process posts at a given rate over a given number of connections, whatever the answers are. SIGTERM ends it; it then prints how
often it got each status.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import time

from tests.bench.posting import Answers, Connection, request


class Flood:
    def __init__(self, port: int, token: str, a_second: int) -> None:
        self._port, self._a_second = port, a_second
        self._post = request("/api/blog-generation", token, b'{"sourceType":"keyword","sourceId":"wool scarves"}')
        self.answers = Answers()

    async def run(self, connections: int) -> None:
        ticks, began = itertools.count(), time.perf_counter()
        await asyncio.gather(*[self._work(ticks, began) for _ in range(connections)])

    async def _work(self, ticks: itertools.count[int], began: float) -> None:
        connection = Connection(self._port)
        while True:
            due = began + next(ticks) / self._a_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await connection.ask(self._post, self.answers)


async def _main(port: int, a_second: int, connections: int) -> None:
    flood = Flood(port, os.environ["FLOOD_TOKEN"], a_second)
    running = asyncio.ensure_future(flood.run(connections))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    began = time.perf_counter()
    await asyncio.wait([running])
    told = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time(),
        "statuses": flood.answers.statuses,
        "lost": flood.answers.lost,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(_main(*map(int, sys.argv[1:4])))
