"""Whose a dashboard's token is: Wix alone can say. Tokens are handed out by the control interface, as the dashboard's SDK does."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

from aiohttp import web

from tests.sandbox.provider import Call, Refused
from tests.sandbox.wix_errors import application_error
from tests.sandbox.world import World

_LASTS_SECONDS = 14_400


class DashboardTokens:
    def __init__(self, world: World) -> None:
        self._world = world
        self._claims: dict[str, dict[str, Any]] = {}

    def issue(self, claims: dict[str, Any]) -> str:
        """For a user who manages the site, unless `claims` say otherwise; one that is None is left out."""
        now = int(time.time())
        whole = {
            "active": True,
            "subjectType": "USER",
            "subjectId": str(uuid.uuid4()),
            "exp": now + _LASTS_SECONDS,
            "iat": now,
            "accountId": str(uuid.uuid4()),
            "siteId": str(uuid.uuid4()),
            **claims,
        }
        token = f"OauthNG.JWS.{_part({'alg': 'HS256'})}.{_part({'id': uuid.uuid4().hex})}.{uuid.uuid4().hex}"
        self._claims[token] = {name: value for name, value in whole.items() if value is not None}
        return token

    async def info(self, call: Call) -> web.Response:
        document = call.document() or {}
        claims = self._claims.get(str(document.get("token")))
        if claims is None or not claims["active"]:
            # Which of the two it is isn't known.
            if self._world.switches["wix_bad_token"] == "400":
                raise Refused(application_error(400, "INVALID_TOKEN", "Token is not valid"))
            return web.json_response({"active": False})
        if self._world.switches["wix_token_info"] == "text":
            claims = {name: _text(value) for name, value in claims.items()}
        return web.json_response(claims)


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _text(value: Any) -> str:
    """As the docs' example shows them."""
    return json.dumps(value) if isinstance(value, bool | int) else value
