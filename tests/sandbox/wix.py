"""Wix: access tokens of a site, and the door to everything that site owns."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from aiohttp import web

from tests.sandbox import wix_app, wix_blog, wix_labels, wix_media, wix_members, wix_stores
from tests.sandbox.faults import Fault
from tests.sandbox.limits import SlidingWindow
from tests.sandbox.provider import Call, Provider, Refused, Route
from tests.sandbox.wix_errors import application_error, invalid, malformed, system_error
from tests.sandbox.wix_identity import DashboardTokens
from tests.sandbox.wix_site import Site
from tests.sandbox.world import World

SiteHandler = Callable[[Site, Call, World], Awaitable[web.Response]]

# Not rotated to at Wix yet.
NOT_YET_A_SECRET = "not-yet"
TOKEN_SECONDS = 14_400
# Calls without a site's token: that hands it out, or asks about one, or goes to a signed address.
_OPEN = {"token", "token_info", "media_upload"}


class Wix(Provider):
    name: ClassVar[str] = "wix"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.sites: dict[str, Site] = {}
        self.limit = world.scaled(200)
        self.highest = 0
        self.dashboard = DashboardTokens(world)
        self._tokens: dict[str, tuple[Site, float]] = {}
        self._uploads: dict[str, tuple[Site, str]] = {}

    def routes(self) -> Iterable[Route]:
        yield "POST", "/wix/oauth2/token", "token", self.token
        yield "POST", "/wix/oauth2/token-info", "token_info", self.dashboard.info
        yield "POST", "/wix/site-media/v1/files/generate-upload-url", "media_upload_url", self.upload_url
        yield "PUT", "/wix/upload/{token}", "media_upload", self.upload
        for room in (wix_app, wix_stores, wix_media, wix_members, wix_labels, wix_blog):
            for method, path, operation, handler in room.ROUTES:
                yield method, f"/wix{path}", operation, partial(self._at_site, handler)

    def forget(self) -> None:
        super().forget()
        self.highest = 0
        self._uploads.clear()
        for site in self.sites.values():
            site.forget_work()

    def add_shop(self, shop: dict[str, Any]) -> Site:
        instance_id = shop["instanceId"]
        if instance_id not in self.sites:
            self.sites[instance_id] = Site(instance_id, SlidingWindow(self.limit))
        site = self.sites[instance_id]
        site.set_up(shop)
        return site

    def change_shop(self, state: dict[str, Any]) -> Site:
        """KeyError where no test has added it."""
        site = self.sites[state["instanceId"]]
        site.change(state)
        if site.removed:
            self._tokens = {token: known for token, known in self._tokens.items() if known[0] is not site}
        return site

    def let_in(self, call: Call) -> None:
        if call.operation in _OPEN:
            return
        site = self.site(call)
        fits = site.window.take()
        self.highest = max(self.highest, site.window.highest)
        if not fits:
            self.rejected += 1
            raise Refused(_throttled())

    def site(self, call: Call) -> Site:
        token = call.request.headers.get("Authorization", "").removeprefix("Bearer ")
        site, expires = self._tokens.get(token, (None, 0.0))
        if site is None or expires < time.monotonic():
            raise Refused(_unauthenticated())
        return site

    async def _at_site(self, handler: SiteHandler, call: Call) -> web.Response:
        return await handler(self.site(call), call, self.world)

    async def token(self, call: Call) -> web.Response:
        document = call.document() or {}
        if document.get("grant_type") != "client_credentials":
            raise Refused(_oauth_error("unsupported_grant_type"))
        if not document.get("client_id") or document.get("client_secret", "") in ("", NOT_YET_A_SECRET):
            raise Refused(_oauth_error("invalid_client"))
        site = self.sites.get(document.get("instance_id", ""))
        if site is None:
            raise Refused(_oauth_error("invalid_request"))
        if site.removed:
            # The form of this is not known: 400, unless a test asks for another.
            status = int(self.world.switches["wix_removed"])
            raise Refused(_oauth_error("invalid_request", status))
        token = f"OauthNG.JWS.{uuid.uuid4().hex}.{uuid.uuid4().hex}"
        self._tokens[token] = (site, time.monotonic() + TOKEN_SECONDS)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    async def upload_url(self, call: Call) -> web.Response:
        document = call.document()
        if document is None:
            raise malformed()
        name = wix_media.checked_upload(document)
        token = uuid.uuid4().hex
        self._uploads[token] = (self.site(call), name)
        return web.json_response({"uploadUrl": f"{call.origin}/wix/upload/{token}"})

    async def upload(self, call: Call) -> web.Response:
        site, name = self._uploads.pop(call.request.match_info["token"], (None, ""))
        if site is None:
            raise Refused(application_error(403, "UPLOAD_TOKEN_INVALID", "Upload token is not valid"))
        return wix_media.upload(site, call, self.world, name)

    def refusal(self, kind: str, fault: Fault, call: Call) -> web.Response:
        match kind:
            case "429":
                return _throttled(fault.seconds)
            case "429_no_retry_after":
                return _throttled()
            case "401":
                return _unauthenticated()
            case "403":
                return application_error(403, "PERMISSION_DENIED", "Missing permission for this operation")
            case "token_removed":
                return _oauth_error("invalid_request")
            case "media_quota":
                return invalid("file", "does not fit into the site's storage", "SITE_QUOTA_EXCEEDED").response
            case "catalog_428":
                return wix_stores.wrong_catalog(call)
            case "not_found":
                return self.not_found(call)
        return system_error(int(kind))

    def not_found(self, call: Call) -> web.Response:
        return application_error(404, "NOT_FOUND", f"No such resource: {call.request.path.removeprefix('/wix')}")

    def signed(self, call: Call, response: web.Response) -> web.Response:
        response.headers["x-wix-request-id"] = f"{time.time():.3f}{uuid.uuid4().int % 10**16:016d}"
        return response

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self.calls.total(),
            "byOperation": dict(self.calls),
            "rejected": self.rejected,
            "maxInWindow": {"requests": self.highest},
            "drafts": sum(site.drafts_count() for site in self.sites.values()),
            "mediaImports": sum(site.imports for site in self.sites.values()),
            "photoImports": sum(len(site.imported_photos()) for site in self.sites.values()),
            "photos": sum(len(set(site.imported_photos())) for site in self.sites.values()),
        }


def _unauthenticated() -> web.Response:
    return application_error(401, "UNAUTHENTICATED", "No identity found")


def _oauth_error(code: str, status: int = 400) -> web.Response:
    return web.json_response({"error": code}, status=status)


def _throttled(wait: float | None = None) -> web.Response:
    response = application_error(429, "RATE_LIMIT_EXCEEDED", "Too many requests, wait a minute and retry")
    if wait is not None:
        response.headers["Retry-After"] = str(max(1, round(wait)))
    return response
