"""Asks Django, on a thread, what it answers to a request of the event loop: by the same middleware and views as a web process.

Django's own ASGI handler is not used: with middleware that is not asynchronous, it keeps a thread for each stream as long as that
is open. So Django is asked as for any other request, and only the head of its answer is sent.
"""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http.response import HttpResponseBase

from blogs.api.stream.listeners import Seat
from blogs.api.stream.views import SEAT
from config.door import wsgi_request

_OWN_NAMES = {"CONTENT_TYPE", "CONTENT_LENGTH"}


class Request(wsgi_request.Request):
    urlconf = "config.streams.addresses"


class Handler(wsgi_request.Handler):
    request_class = Request

    def answer(self, scope: Any, seat: Seat) -> HttpResponseBase:
        """Return Django's answer. The thread's connection to the database has gone back by then."""
        answer = self(_environ(scope, seat), lambda status, headers: None)
        answer.close()
        return answer


def _environ(scope: Any, seat: Seat) -> dict[str, Any]:
    client, server = scope.get("client") or ("", 0), scope.get("server") or ("", 0)
    return {
        **_headers(scope["headers"]),
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "REMOTE_ADDR": client[0],
        "wsgi.url_scheme": "http",
        # No address here takes a body.
        "wsgi.input": io.BytesIO(),
        SEAT: seat,
    }


def _headers(sent: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Name the headers as WSGI does. One with an underscore is dropped, since it would pass for that with a hyphen."""
    found: dict[str, str] = {}
    for raw, value in sent:
        if b"_" in raw:
            continue
        name = raw.decode("latin-1").upper().replace("-", "_")
        name = name if name in _OWN_NAMES else f"HTTP_{name}"
        text = value.decode("latin-1")
        found[name] = f"{found[name]},{text}" if name in found else text
    found.pop("CONTENT_LENGTH", None)
    return found
