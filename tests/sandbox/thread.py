"""A sandbox on a thread of its own, for tests."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.sandbox.client import SandboxClient
from tests.sandbox.server import Server
from tests.sandbox.world import World

_START_SECONDS = 10


class Sandbox(SandboxClient):
    def __init__(
        self,
        port: int = 0,
        *,
        speed: float = 1000.0,
        limit_scale: float = 1.0,
        seed: int = 0,
        workload: str | None = None,
        policy: str = "sliding",
    ) -> None:
        super().__init__(url="")
        self._port = port
        self._world = World(speed=speed, limit_scale=limit_scale, seed=seed, workload=workload, policy=policy)
        self._loop = asyncio.new_event_loop()
        self._server = Server(self._world)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._server.start(self._port), self._loop).result(_START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(_START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
