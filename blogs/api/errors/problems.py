"""Turns exceptions into HTTP: every error of the API is problem+json (RFC 9457) with a stable `code`.

The rooms below raise what happened and know no HTTP. Only this table chooses a status.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from blogs.api.errors.codes import CODES, address
from blogs.api.possible import NoSeat, NotPossible, NotReady, TooManyListeners, UnknownProducts, WrongProcess
from blogs.ideas.duplicates import DuplicateTopic
from blogs.ideas.orders import TooManyOrders
from blogs.ideas.shop_ideas import IdeaUsed, UnknownIdea
from blogs.models import UNFINISHED
from blogs.outgoing.endpoints import NotNow
from blogs.profiles.saving import SAVES_A_DAY, ChangedMeanwhile, TooManySaves
from blogs.queue.admission import PLAN_LIMIT, NoRoom
from blogs.queue.failures import TooManyFailures
from blogs.queue.lifecycle import WrongState
from blogs.queue.request import IdempotencyConflict, SchedulePassed
from blogs.queue.submitting import SiteRemoved
from blogs.restore.copies import Unsettled
from credits.ledger import InsufficientCredits
from wix.identity.api_keys import IsRotated, TooManyKeys
from wix.identity.token_info import CannotAsk
from wix.models import Site
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

_REMOVED_DETAIL = "The app was removed from this site; install it again to go on."
_CONTENT_TYPE = "application/problem+json"
# Problems that a larger plan solves: their answer says where to buy it.
_UPGRADE_HELPS = ("insufficient_credits", PLAN_LIMIT)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a view; `settings.REST_FRAMEWORK` names this function as its EXCEPTION_HANDLER."""
    problem = _problem(error)
    if problem is None:
        return None
    if problem["code"] in _UPGRADE_HELPS and isinstance(site := context["request"].user, Site):
        problem["upgradeUrl"] = site.upgrade_url
    set_rollback()
    http, headers = problem.pop("http"), problem.pop("headers", {})
    body = _body(http, getattr(context["request"], "request_id", ""), **problem)
    logger.info("request refused", extra={"action": "refused", "http": http, "code": body["code"]})
    response = Response(body, status=http, headers=headers)
    response.content_type = _CONTENT_TYPE
    return response


def described(error: Exception, request: Request) -> dict[str, Any]:
    """Describe an error of one part of a request, as `problem_response` would answer it for a request of its own."""
    problem = _problem(error)
    assert problem
    if problem["code"] in _UPGRADE_HELPS and isinstance(request.user, Site):
        problem["upgradeUrl"] = request.user.upgrade_url
    http, headers = problem.pop("http"), problem.pop("headers", {})
    if "Retry-After" in headers:
        problem["retryAfterSeconds"] = int(headers["Retry-After"])
    return _body(http, getattr(request, "request_id", ""), **problem)


def not_found(request: HttpRequest) -> HttpResponse:
    return plain_problem(request, 404, code="not_found", detail="There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that a view of Django's own raised, such as the desk's. Django calls this."""
    error = sys.exception()
    if isinstance(error, DATABASE_AWAY):
        problem = _database_away(error)
        headers = problem.pop("headers")
        return plain_problem(request, problem.pop("http"), headers=headers, **problem)
    detail = "Something went wrong on our side; support finds it by the requestId."
    return plain_problem(request, 500, code="internal", detail=detail, retryable=True)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django finds suspicious. Its own log line, with a traceback, is left out (`settings.LOGGING`)."""
    problem = _problem(exception) or _MALFORMED
    http, code = problem["http"], problem["code"]
    logger.info(
        "request refused", extra={"action": "refused", "http": http, "code": code, "error": type(exception).__name__}
    )
    return plain_problem(request, http, code=code, detail=problem["detail"])


def plain_problem(
    request: HttpRequest, http: int, *, headers: dict[str, str] | None = None, **fields: Any
) -> HttpResponse:
    body = _body(http, getattr(request, "request_id", ""), **fields)
    return JsonResponse(body, status=http, content_type=_CONTENT_TYPE, headers=headers)


def _body(
    http: int, request_id: str, *, code: str, detail: str, retryable: bool = False, **more: Any
) -> dict[str, Any]:
    return {
        "type": address(code),
        "title": CODES[code].title if code in CODES else "Error",
        "status": http,
        "code": code,
        "detail": detail,
        "retryable": retryable,
        "requestId": request_id,
        **more,
    }


def _problem(error: Exception) -> dict[str, Any] | None:
    match error:
        case InsufficientCredits():
            return {
                "http": 402,
                "code": "insufficient_credits",
                "detail": f"A blog costs {error.required} credits; {error.available} are available.",
                "required": error.required,
                "available": error.available,
            }
        case NoRoom():
            return {
                "http": 429 if error.code == PLAN_LIMIT else 503,
                "code": error.code,
                "detail": f"{error} Nothing was charged.",
                "retryable": True,
                "estimatedWaitSeconds": error.estimated_wait,
                "headers": {"Retry-After": str(error.retry_after)},
            }
        case TooManyFailures():
            detail = f"{error} Ask for other topics when the time in Retry-After has passed. Nothing was charged."
            return {
                "http": 429,
                "code": "too_many_failures",
                "detail": detail,
                "retryable": True,
                "headers": {"Retry-After": str(error.retry_after)},
            }
        case CannotAsk():
            return {
                "http": 503,
                "code": "identity_unavailable",
                "detail": "Wix doesn't answer whose this access token is; nothing was done.",
                "retryable": True,
                "headers": {"Retry-After": str(error.retry_after)},
            }
        case SiteRemoved():
            return {"http": 403, "code": "site_removed", "detail": _REMOVED_DETAIL}
        case SchedulePassed():
            passed = {"field": error.field, "code": "passed", "message": "This time has passed."}
            return {"http": 400, "code": "invalid", "detail": _VALIDATION_DETAIL, "errors": [passed]}
        case NotPossible():
            ready_later = isinstance(error, NotReady) and error.status in UNFINISHED
            return {
                "http": 409,
                "code": "not_ready" if isinstance(error, NotReady) else "wrong_state",
                "detail": f"This can't be done: {error}.",
                "retryable": ready_later,
                "headers": {"Retry-After": "30"} if ready_later else {},
                "blogStatus": error.status,
                "possible": error.possible,
            }
        case WrongState():
            return {"http": 409, "code": "wrong_state", "detail": f"This can't be done: {error}."}
        case ChangedMeanwhile():
            return {
                "http": 412,
                "code": "precondition_failed",
                "detail": "The profile has changed since you read it. Read it again, and decide by what it says now.",
            }
        case TooManySaves():
            return {
                "http": 429,
                "code": "too_many_saves",
                "detail": f"The profile was saved {SAVES_A_DAY} times within a day; each save is kept.",
                "retryable": True,
                "headers": {"Retry-After": str(error.retry_after)},
            }
        case NotNow():
            return {"http": 409, "code": "endpoint_state", "detail": str(error)}
        case TooManyKeys():
            return {"http": 409, "code": "too_many_keys", "detail": str(error)}
        case IsRotated():
            detail = "This key was rotated before; rotate the one that has its place."
            return {"http": 409, "code": "key_rotated", "detail": detail}
        case TooManyListeners():
            most = settings.LIVE_EVENTS_LISTENERS_PER_SITE
            detail = (
                f"This site has {most} streams open, and may have no more; one of the whole site tells of all blogs."
            )
            return {
                "http": 429,
                "code": "too_many_listeners",
                "detail": detail,
                "retryable": True,
                "headers": {"Retry-After": "30"},
            }
        case NoSeat():
            return {
                "http": 503,
                "code": "listeners_full",
                "detail": "No more streams can be opened now; ask for the blog itself meanwhile.",
                "retryable": True,
                "headers": {"Retry-After": "30"},
            }
        case WrongProcess():
            detail = "Live events are served by a process of their own, which the proxy in front asks for this address."
            own = f" Here it listens at {settings.LIVE_EVENTS_BIND}." if settings.DEBUG else ""
            return {"http": 421, "code": "wrong_process", "detail": detail + own}
        case RequestDataTooBig():
            detail = f"The body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."
            return {"http": 413, "code": "request_too_large", "detail": detail}
        case UnreadablePostError():
            return {**_MALFORMED}
        case UnknownProducts():
            return {
                "http": 422,
                "code": "unknown_products",
                "detail": f"{error} Nothing was charged.",
                "unknown": error.ids,
            }
        case DuplicateTopic():
            return {
                "http": 409,
                "code": "duplicate_topic",
                "detail": f"The site has this topic already: {error.text!r}. Nothing was charged.",
                "topic": error.text,
                "blogId": error.generation_id,
                "postUrl": error.url or None,
            }
        case UnknownIdea():
            return {"http": 422, "code": "unknown_idea", "detail": "The site has no idea with this number."}
        case IdeaUsed():
            detail = "Another blog of the site was made of this idea. Nothing was charged."
            return {"http": 409, "code": "idea_used", "detail": detail, "blogId": error.generation_id}
        case TooManyOrders():
            return {
                "http": 429,
                "code": "too_many_idea_orders",
                "detail": str(error),
                "retryable": True,
                "headers": {"Retry-After": str(error.retry_after)},
            }
        case IdempotencyConflict():
            detail = "This Idempotency-Key came with another request before; use a new key for a new request."
            return {"http": 422, "code": "idempotency_key_reused", "detail": detail}
        case exceptions.ValidationError():
            return {
                "http": 400,
                "code": "invalid",
                "detail": _VALIDATION_DETAIL,
                "errors": list(_field_errors(error.get_full_details())),
            }
        case exceptions.APIException():
            return _of_rest_framework(error)
        case Http404():
            return {"http": 404, "code": "not_found", "detail": "There is no such blog on this site."}
        case PermissionDenied():
            return {"http": 403, "code": "permission_denied", "detail": "This is not allowed."}
        case Unsettled():
            logger.error("%s", error, extra={"action": "copied"})
            return {**_DATABASE_UNAVAILABLE}
        case _ if isinstance(error, DATABASE_AWAY):
            return _database_away(error)
    return None


def _database_away(error: Exception) -> dict[str, Any]:
    logger.error("database away", extra={"action": "outage", "error": type(error).__name__})
    return {**_DATABASE_UNAVAILABLE}


_DATABASE_UNAVAILABLE: dict[str, Any] = {
    "http": 503,
    "code": "database_unavailable",
    "detail": "The database is away for a moment. With an Idempotency-Key, a repeated request is safe.",
    "retryable": True,
    "headers": {"Retry-After": "5"},
}
_MALFORMED: dict[str, Any] = {"http": 400, "code": "malformed", "detail": "The request could not be understood."}
_VALIDATION_DETAIL = "Some fields are missing or have a value that isn't allowed; `errors` names each."


def _of_rest_framework(error: exceptions.APIException) -> dict[str, Any]:
    detail = error.detail
    problem: dict[str, Any] = {
        "http": error.status_code,
        "code": getattr(detail, "code", error.default_code),
        "detail": str(detail),
        "headers": {},
    }
    if auth_header := getattr(error, "auth_header", None):
        problem["headers"]["WWW-Authenticate"] = auth_header
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, int(getattr(error, "wait", None) or 60))
        problem["detail"] = f"This site has sent too many requests; try again in {seconds} seconds."
        problem["headers"]["Retry-After"] = str(seconds)
        problem["retryable"] = True
    if error.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
        problem["code"] = "method_not_allowed"
    if isinstance(error, exceptions.UnsupportedMediaType):
        problem["detail"] += " Send Content-Type: application/json."
    return problem


def _field_errors(details: Any, field: str = "") -> Any:
    """Flatten DRF's nested details into a list of {field, code, message}."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {"field": field, "code": details["code"], "message": details["message"]}
    elif isinstance(details, dict):
        for name, nested in details.items():
            yield from _field_errors(nested, "" if name == "non_field_errors" else f"{field}.{name}".strip("."))
    else:
        for nested in details:
            yield from _field_errors(nested, field)
