"""Where Wix tells us what happened: verified, stored and answered; a worker does the rest (`webhooks.py`)."""

from __future__ import annotations

import logging

# What `webhook_token` loads when it needs it, since workers never do: here, or the first webhooks would wait for it for a second.
import jwt.algorithms  # noqa: F401
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from blogs.api.problems import plain_problem
from blogs.site_events.handlers import HANDLERS
from wix.identity import sightings
from wix.webhooks import deliveries, token
from wix.webhooks.token import InvalidKey, InvalidWebhook
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

# Events of ours have some two kilobytes; one that brings an article along has more.
BODY_MAX_BYTES = 256 * 1024


@csrf_exempt
def webhooks(request: HttpRequest) -> HttpResponse:
    """The body is a JWT, whatever its content type says. Anything but 200, and Wix sends it again for two days."""
    if request.method != "POST":
        answer = plain_problem(request, 405, code="method_not_allowed", detail="Webhooks are posted.")
        answer["Allow"] = "POST"
        return answer
    try:
        event = token.read(_body(request))
        deliveries.store(event, known_type=event.event_type in HANDLERS and event.event_type != sightings.EVENT)
    except InvalidWebhook as refused:
        return _refused(request, refused.http, refused.code, str(refused))
    except InvalidKey as error:
        logger.error("webhooks can't be verified: %s", error, extra={"action": "webhook_key"})
        return _not_now(request, "webhooks_not_configured", "This service can't verify webhooks yet.")
    except DATABASE_AWAY as error:
        logger.error("database away", extra={"action": "outage", "error": type(error).__name__})
        return _not_now(request, "database_unavailable", "The database is away for a moment; please send it again.")
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    """Not `request.body`, whose own limit is that of the API. What says that it is too large is not read at all."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > BODY_MAX_BYTES:
        raise _too_large()
    if not token.public_keys():
        raise InvalidKey("WIX_WEBHOOK_PUBLIC_KEYS is not set")
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        # In chunks, of which only the server knows the end; Django takes no length for an empty body.
        body: bytes = request.META["wsgi.input"].read(BODY_MAX_BYTES + 1)
        if len(body) > BODY_MAX_BYTES:
            raise _too_large()
        return body
    return request.read()


def _too_large() -> InvalidWebhook:
    return InvalidWebhook(413, "request_too_large", f"A webhook may have {BODY_MAX_BYTES} bytes.")


def _refused(request: HttpRequest, http: int, code: str, detail: str) -> HttpResponse:
    logger.warning("webhook refused", extra={"action": "webhook_refused", "http": http, "code": code})
    return plain_problem(request, http, code=code, detail=detail)


def _not_now(request: HttpRequest, code: str, detail: str) -> HttpResponse:
    answer = plain_problem(request, 503, code=code, detail=detail, retryable=True)
    answer["Retry-After"] = "60"
    return answer
