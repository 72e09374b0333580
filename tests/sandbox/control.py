"""The control interface: no provider has one. Seeds shops, arms faults, shows what arrived and what was made."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.sandbox import wix_blog
from tests.sandbox.faults import Fault, UnknownFault
from tests.sandbox.limits import SlidingWindow
from tests.sandbox.openai import OpenAI
from tests.sandbox.replicate import Replicate
from tests.sandbox.switches import UnknownSwitch
from tests.sandbox.wix import Wix
from tests.sandbox.world import World


class Control:
    def __init__(self, world: World, openai: OpenAI, replicate: Replicate, wix: Wix) -> None:
        self.world, self.openai, self.replicate, self.wix = world, openai, replicate, wix

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/sandbox/shops", self.add_shop)
        router.add_post("/sandbox/shops/state", self.change_shop)
        router.add_post("/sandbox/dashboard-tokens", self.issue_dashboard_token)
        router.add_get("/sandbox/stats", self.stats)
        router.add_get("/sandbox/requests", self.requests)
        router.add_get("/sandbox/drafts", self.drafts)
        router.add_post("/sandbox/faults", self.add_fault)
        router.add_delete("/sandbox/faults", self.clear_faults)
        router.add_post("/sandbox/limits", self.set_limits)
        router.add_post("/sandbox/switches", self.set_switches)
        router.add_post("/sandbox/clock", self.pass_time)
        router.add_post("/sandbox/reset", self.reset)

    async def add_shop(self, request: web.Request) -> web.Response:
        site = self.wix.add_shop(await request.json())
        return web.json_response({"instanceId": site.instance_id, "products": len(site.products)}, status=201)

    async def change_shop(self, request: web.Request) -> web.Response:
        try:
            site = self.wix.change_shop(await request.json())
        except KeyError:
            return web.json_response({"error": "no such shop"}, status=400)
        return web.json_response({"instanceId": site.instance_id, "removed": site.removed})

    async def issue_dashboard_token(self, request: web.Request) -> web.Response:
        return web.json_response({"token": self.wix.dashboard.issue(await request.json())}, status=201)

    async def stats(self, request: web.Request) -> web.Response:
        providers = (self.openai, self.replicate, self.wix)
        stats: dict[str, Any] = {provider.name: provider.stats() for provider in providers}
        return web.json_response(stats | {"violations": sum(provider.rejected for provider in providers)})

    async def requests(self, request: web.Request) -> web.Response:
        entries = self.world.journal.matching(request.query.get("provider"), request.query.get("operation"))
        return web.json_response({"requests": [entry.as_json() for entry in entries]})

    async def drafts(self, request: web.Request) -> web.Response:
        wanted = request.query.get("instanceId")
        drafts = [
            {"instanceId": site.instance_id, "media": {}, **wix_blog.as_json(site, draft, ["RICH_CONTENT", "URL"])}
            for site in self.wix.sites.values()
            if wanted in (None, site.instance_id)
            for draft in site.drafts.values()
            if draft.status != "DELETED"
        ]
        return web.json_response({"drafts": drafts})

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            self.world.faults.add(Fault.from_json(await request.json()))
        except UnknownFault as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({}, status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self.world.faults.clear()
        return web.json_response({})

    async def set_limits(self, request: web.Request) -> web.Response:
        """Changes any of the limits that it answers with, in the middle of a run: `{"openai_requests": 225}` halves that one.

        The number is a minute's, as it is: `--limit-scale` no longer multiplies it. Answers carry it in their headers from then on.
        """
        changes = await request.json()
        windows = self._windows()
        if any(not isinstance(limit, int) or limit < 1 for limit in changes.values()):
            return web.json_response({"error": "a limit is a whole number of at least 1"}, status=400)
        if unknown := changes.keys() - windows.keys() - {"wix_requests"}:
            return web.json_response({"error": f"no such limits: {sorted(unknown)}"}, status=400)
        for name in changes.keys() & windows.keys():
            windows[name].change(changes[name])
        if "wix_requests" in changes:
            self.wix.limit = changes["wix_requests"]
            for site in self.wix.sites.values():
                site.window.change(self.wix.limit)
        limits = {name: window.limit for name, window in windows.items()}
        return web.json_response(limits | {"wix_requests": self.wix.limit})

    def _windows(self) -> dict[str, SlidingWindow]:
        return {
            "openai_requests": self.openai.requests,
            "openai_tokens": self.openai.tokens,
            "replicate_creates": self.replicate.creates,
            "replicate_reads": self.replicate.reads,
        }

    async def set_switches(self, request: web.Request) -> web.Response:
        try:
            self.world.switches.set(await request.json())
        except UnknownSwitch as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({})

    async def pass_time(self, request: web.Request) -> web.Response:
        """Puts the stand-ins' clock forward: predictions finish, files and tokens grow old. Rate limits don't notice."""
        self.world.skipped += (await request.json())["seconds"]
        return web.json_response({})

    async def reset(self, request: web.Request) -> web.Response:
        """Forgets all work, faults, switches and counts; shops, their access tokens and changed limits stay."""
        self.world.faults.clear()
        self.world.switches.clear()
        self.world.files.clear()
        self.world.skipped = 0.0
        self.world.journal.clear()
        for provider in (self.openai, self.replicate, self.wix):
            provider.forget()
        return web.json_response({})
