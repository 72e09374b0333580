"""Procrastinate as its documentation would have a Python team use it. Runs in a virtual environment of its own.

python tasks.py worker                 until SIGTERM
python tasks.py defer 5000             as many jobs, in batches
python tasks.py singles 200            one after the other, with a breath between them; their worker prints seconds
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["PEER_DATABASE_URL"]))


@app.task(name="noop")
async def noop(number: int) -> None:
    pass


@app.task(name="stamp")
async def stamp(asked_at: float) -> None:
    # The clock of the machine, which the asking process reads too.
    print(json.dumps(time.time() - asked_at), flush=True)


async def worker() -> None:
    async with app.open_async():
        await app.run_worker_async(concurrency=50, wait=True, install_signal_handlers=True)


async def defer(count: int) -> None:
    async with app.open_async():
        for first in range(0, count, 1000):
            await noop.batch_defer_async(*({"number": n} for n in range(first, min(first + 1000, count))))


async def singles(count: int) -> None:
    async with app.open_async():
        for _ in range(count):
            await stamp.defer_async(asked_at=time.time())
            await asyncio.sleep(random.uniform(0.02, 0.08))


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    commands: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        "worker": worker,
        "defer": defer,
        "singles": singles,
    }
    asyncio.run(commands[name](*map(int, arguments)))
