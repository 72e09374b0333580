"""An application that teaches its web server whose a credential is, as the API does, and holds requests for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.support import echo
from wix.identity import site_limits

_HELD_SECONDS = 0.2


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    credential = environ.get("HTTP_AUTHORIZATION", "").encode()
    site = sum(credential)
    match environ["PATH_INFO"]:
        case "/learn":
            site_limits.learn(credential, site)
        case "/over":
            site_limits.learn(credential, site)
            site_limits.note_over(site, 1)
        case "/held":
            time.sleep(_HELD_SECONDS)
    return echo.application({**environ, "PATH_INFO": "/here"}, start_response)
