"""Receives Wix's webhooks: verifies, stores and answers. A worker acts on them later (`blogs/site_events`)."""

from __future__ import annotations

import logging

# `wix.webhooks.token` imports this only when it verifies, to spare workers its memory. Without this line, the first webhook would
# wait a second for it.
import jwt.algorithms  # noqa: F401
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from blogs.api.errors.problems import plain_problem
from blogs.site_events.handlers import HANDLERS
from wix.identity import sightings
from wix.webhooks import deliveries, public_keys, token
from wix.webhooks.public_keys import InvalidKey
from wix.webhooks.token import InvalidWebhook
from workers import metrics
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

# The events that we handle have about two kilobytes. One that contains an article has more.
BODY_MAX_BYTES = 256 * 1024


@csrf_exempt
def webhooks(request: HttpRequest) -> HttpResponse:
    """Take in one webhook: a JWT, whatever its content type says. After any answer but 200, Wix sends it again for two days."""
    if request.method != "POST":
        answer = plain_problem(request, 405, code="method_not_allowed", detail="Webhooks are posted.")
        answer["Allow"] = "POST"
        return answer
    try:
        event = token.read(_body(request))
        deliveries.store(event, known_type=event.event_type in HANDLERS and event.event_type != sightings.EVENT)
    except InvalidWebhook as refused:
        return _refused(request, refused.http, refused.code, str(refused))
    except UnreadablePostError:
        return _refused(request, 400, "malformed", "The body breaks off.")
    except InvalidKey as error:
        logger.error("webhooks can't be verified: %s", error, extra={"action": "webhook_key"})
        return _not_now(request, "webhooks_not_configured", "This service can't verify webhooks yet.")
    except DATABASE_AWAY as error:
        logger.error("database away", extra={"action": "outage", "error": type(error).__name__})
        return _not_now(request, "database_unavailable", "The database is away for a moment; please send it again.")
    metrics.count(metrics.WEBHOOKS_RECEIVED, "stored")
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    """Read the body; one whose header says that it is too large is not read. `request.body` would enforce the API's own limit.

    One in chunks has a length by now (`config.door`).
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > BODY_MAX_BYTES:
        raise _too_large()
    if not public_keys.configured():
        raise InvalidKey("WIX_WEBHOOK_PUBLIC_KEYS is not set")
    return request.read()


def _too_large() -> InvalidWebhook:
    return InvalidWebhook(413, "request_too_large", f"A webhook may have {BODY_MAX_BYTES} bytes.")


def _refused(request: HttpRequest, http: int, code: str, detail: str) -> HttpResponse:
    metrics.count(metrics.WEBHOOKS_RECEIVED, code)
    logger.warning("webhook refused", extra={"action": "webhook_refused", "http": http, "code": code})
    return plain_problem(request, http, code=code, detail=detail)


def _not_now(request: HttpRequest, code: str, detail: str) -> HttpResponse:
    metrics.count(metrics.WEBHOOKS_RECEIVED, code)
    answer = plain_problem(request, 503, code=code, detail=detail, retryable=True)
    answer["Retry-After"] = "60"
    return answer
