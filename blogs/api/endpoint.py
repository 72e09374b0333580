"""What all endpoints share: query parameters must be known, and an answer that the caller has already is not sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from django.http import HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from blogs.api.incoming.names import require_known_parameters


class Endpoint(APIView):
    """The base of our views. `parameters`: what may stand in the query of a GET, `repeatable` what may stand there twice."""

    parameters: Collection[str] = ()
    repeatable: Collection[str] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.http_method_not_allowed == self._handler(request):
            # It gets 405, whatever stands in its query.
            return
        require_known_parameters(request, self.known_parameters(request), repeatable=self.repeatable)

    def _handler(self, request: Request) -> Any:
        return getattr(self, str(request.method).lower(), self.http_method_not_allowed)

    def known_parameters(self, request: Request) -> Collection[str]:
        return self.parameters if request.method in ("GET", "HEAD") else ()

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer with nothing but the Allow header, which names the methods. What pages ask before (CORS) does not come here."""
        return Response(status=204)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if getattr(response, "exception", False):
            # A problem is JSON, whatever form of the answer was asked for.
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        final = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(final, Response) and final.status_code == 200 and request.method in ("GET", "HEAD"):
            final.add_post_render_callback(lambda rendered: _unless_known(request, rendered))
        return final


def _unless_known(request: Request, rendered: Response) -> HttpResponseBase:
    """Give the answer its ETag, where it has none; answer 304 to a caller who says that this very answer is known."""
    etag = rendered.get("ETag") or f'"{hashlib.sha256(rendered.content).hexdigest()[:32]}"'
    known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
    answer = HttpResponseNotModified() if etag in known or "*" in known else rendered
    answer["ETag"] = etag
    # A browser may keep it for its user, and asks each time whether it is still so.
    answer["Cache-Control"] = "private, no-cache"
    patch_vary_headers(answer, ["Accept", "Authorization"])
    if answer is not rendered and "Retry-After" in rendered:
        answer["Retry-After"] = rendered["Retry-After"]
    return answer


class LengthRequired(APIException):
    status_code = 411
    default_code = "length_required"
    default_detail = "A body is needed here: send it with its Content-Length, or in chunks."


def json_object(request: Request, *, is_needed: bool = False) -> dict[str, Any]:
    """Return the body. `is_needed`: an empty one says too little to be meant.

    Raises ValidationError for any other JSON than an object.
    """
    if is_needed and getattr(request, "has_no_length", False):
        raise LengthRequired
    if not isinstance(request.data, dict):
        raise ValidationError("The body must be a JSON object.")
    return request.data
