"""A WSGI application that answers with what it was sent, for tests of the web process itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# The worker asks Django for its limits.
get_wsgi_application()

_HELD_SECONDS = 0.03
LARGE = b"x" * 3_000_000


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/held":
        time.sleep(_HELD_SECONDS)
    if environ["PATH_INFO"] == "/large":
        body = LARGE
    else:
        body = json.dumps([environ["REQUEST_METHOD"], environ["PATH_INFO"], _body(environ)]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _body(environ: dict[str, Any]) -> str:
    if environ["PATH_INFO"] == "/unread":
        return "unread"
    try:
        return str(environ["wsgi.input"].read(1_000_000).decode())
    except OSError:
        return "broken"
