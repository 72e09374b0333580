"""Django's own request and handler, which also answer requests that Django's own classes could not even read."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from config.door import content_types


class Request(WSGIRequest):
    """A request of any Content-Type. Django's raises for some before our code runs; `front_door` refuses those later."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = content_types.read(meta.get("CONTENT_TYPE", "")) or ("", {})
        if "charset" in self.content_params:
            # Not by `encoding`, which would read the query too, and raise for it here.
            self._encoding = self.content_params["charset"]


class Handler(WSGIHandler):
    request_class = Request

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        """Answer HEAD with the head alone: Django leaves that to the server, and gunicorn would log a warning for each."""
        answer = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        answer.close()
        return HttpResponse()
