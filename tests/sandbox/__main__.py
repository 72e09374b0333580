"""`python -m tests.sandbox`: serves until SIGTERM, after one line of JSON that says where."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket

from tests.sandbox.limits import POLICIES
from tests.sandbox.server import HOST, Server
from tests.sandbox.world import WORKLOADS, World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description="OpenAI, Replicate and Wix, in small")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default=HOST, help="the address to listen at")
    parser.add_argument("--socket", type=int, help="the number of a socket that listens already")
    parser.add_argument("--speed", type=float, default=1.0, help="divides every latency")
    parser.add_argument("--limit-scale", type=float, default=1.0, help="multiplies every rate limit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--workload",
        choices=sorted(WORKLOADS),
        help="how long answers take, and how many tokens usage says they have; without: short's times, and the text's tokens",
    )
    parser.add_argument(
        "--policy",
        choices=sorted(POLICIES),
        default="sliding",
        help="how OpenAI's and Replicate's limits count; second: requests by the minute and by the second",
    )
    options = parser.parse_args()
    world = World(
        speed=options.speed,
        limit_scale=options.limit_scale,
        seed=options.seed,
        workload=options.workload,
        policy=options.policy,
    )
    given = socket.socket(fileno=options.socket) if options.socket is not None else None
    asyncio.run(_serve(world, options.port, options.host, given))


async def _serve(world: World, port: int, host: str, given: socket.socket | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(world)
    url = await server.start(port, host, given)
    print(json.dumps({"url": url}), flush=True)
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    main()
