"""The three stand-ins and their control interface behind one port."""

from __future__ import annotations

import socket

from aiohttp import web

from tests.sandbox import wix_media
from tests.sandbox.control import Control
from tests.sandbox.openai import OpenAI
from tests.sandbox.replicate import Replicate
from tests.sandbox.wix import Wix
from tests.sandbox.world import World

HOST = "127.0.0.1"


class Server:
    def __init__(self, world: World) -> None:
        self.world = world
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, host: str = HOST, given: socket.socket | None = None) -> str:
        """Listens, there or on the socket that is given, and answers the base URL."""
        # A call that was begun is finished even if its client hangs up: that is what makes a create ambiguous.
        runner = web.AppRunner(_app(self.world), access_log=None, handler_cancellation=False, shutdown_timeout=0.2)
        self._runner = runner
        await runner.setup()
        site = web.SockSite(runner, given) if given else web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        self.world.stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()


def _app(world: World) -> web.Application:
    app = web.Application(client_max_size=wix_media.UPLOAD_MAX + 1024 * 1024)
    openai, replicate, wix = OpenAI(world), Replicate(world), Wix(world)
    Control(world, openai, replicate, wix).add_to(app.router)
    app.router.add_get("/media/{id}", wix_media.show)
    for provider in (openai, replicate, wix):
        provider.add_to(app.router)
    return app
