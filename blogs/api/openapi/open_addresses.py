"""The addresses that need no credential. Their views are Django's own, so they are described here."""

from __future__ import annotations

from typing import Any

from blogs.api.errors.codes import CODES
from blogs.api.errors.examples import example
from blogs.api.openapi import problems

_STATUS: dict[str, Any] = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
_NULLABLE_NUMBER = {"type": ["integer", "null"]}
_NULLABLE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_USE = {
    "type": "object",
    "required": ["limit", "usedLast60Seconds", "remaining"],
    "properties": {
        name: {"type": "integer"} for name in ("limit", "usedLast60Seconds", "remaining", "usedByAnswersLast60Seconds")
    },
}
_LIMITS: dict[str, Any] = {
    "type": "object",
    "required": ["provider", "breaker", "windowSeconds", "limits"],
    "properties": {
        "provider": {"type": "string"},
        "breaker": {"type": "string", "enum": ["open", "closed"]},
        "windowSeconds": {"type": "integer"},
        "limits": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["provider", "model", "requests", "nextFreeInSeconds", "waiting", "blockedUntil"],
                "properties": {
                    "provider": {"type": "string"},
                    "model": {"type": "string"},
                    "requests": _USE,
                    "tokens": _USE,
                    "nextFreeInSeconds": {"type": "number"},
                    "waiting": {"type": "integer"},
                    "blockedUntil": _NULLABLE_MOMENT,
                    "rejections": {"type": "integer"},
                    "lastRejectionAt": _NULLABLE_MOMENT,
                    "paceShare": {"type": "number"},
                    "providerSays": {
                        "type": ["object", "null"],
                        "properties": {
                            "requestsPerMinute": _NULLABLE_NUMBER,
                            "tokensPerMinute": _NULLABLE_NUMBER,
                            "requestsRemaining": _NULLABLE_NUMBER,
                            "tokensRemaining": _NULLABLE_NUMBER,
                            "seenAt": _NULLABLE_MOMENT,
                            "differsFromConfigured": {"type": "boolean"},
                        },
                    },
                },
            },
        },
    },
}
_REQUEST_ID = {"X-Request-ID": {"$ref": "#/components/headers/XRequestID"}}
_DOWN = {
    "description": "The database is away, or takes no writes.",
    "headers": {**_REQUEST_ID, "Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
    "content": {
        "application/json": {"schema": _STATUS, "example": {"status": "down", "database": "unreachable"}},
        # From the web server, where no thread takes the request.
        problems.PROBLEM_JSON: {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": example("unavailable"),
        },
    },
}


def _answer(about: str, media: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"description": about, "headers": _REQUEST_ID, "content": {media: {"schema": schema, "example": example}}}


def _operation(
    name: str, summary: str, answers: dict[str, Any], *parameters: dict[str, Any], tag: str = "Service"
) -> dict[str, Any]:
    more = {"parameters": list(parameters)} if parameters else {}
    operation = {"operationId": name, "summary": summary, "description": summary, "tags": [tag], "security": []}
    return {"get": {**operation, **more, "responses": answers}}


def _limits(provider: str, model: str) -> dict[str, Any]:
    limit = {
        "provider": provider,
        "model": model,
        "requests": {"limit": 450, "usedLast60Seconds": 12, "remaining": 438},
        "nextFreeInSeconds": 0.0,
        "waiting": 0,
        "blockedUntil": None,
        "rejections": 0,
        "lastRejectionAt": None,
        "paceShare": 1.0,
        "providerSays": None,
    }
    shown = {"provider": provider, "breaker": "closed", "windowSeconds": 60, "limits": [limit]}
    return {"200": _answer("How far the limits are used.", "application/json", _LIMITS, shown), "503": _DOWN}


_PAGE = {"type": "string"}
_SLUGS = sorted(code.replace("_", "-") for code in CODES)
_SLUG = {
    "name": "code",
    "in": "path",
    "required": True,
    "description": "a problem's `code`, with hyphens",
    "schema": {"type": "string", "enum": _SLUGS},
}
_SCHEMA_FORMAT = {
    "name": "format",
    "in": "query",
    "description": "chooses the form, before the Accept header does",
    "schema": {"type": "string", "enum": ["json", "yaml"]},
}
_KNOWN = {"ETag": {"$ref": "#/components/headers/ETag"}}
_DOCUMENT = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": {"type": "string"}, "info": {"type": "object"}, "paths": {"type": "object"}},
}
_SCHEMA_ANSWERS: dict[str, Any] = {
    "200": {
        "description": "This description.",
        "headers": {**_REQUEST_ID, **_KNOWN},
        "content": {
            media: {"schema": _DOCUMENT, "example": {"openapi": "3.1.0", "info": {}, "paths": {}}}
            for media in (
                "application/json",
                "application/vnd.oai.openapi+json",
                "application/yaml",
                "text/yaml",
                "application/vnd.oai.openapi",
            )
        },
    },
    "304": {"description": "Nothing has changed: it is known.", "headers": {**_REQUEST_ID, **_KNOWN}},
}
_IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}

PATHS: dict[str, Any] = {
    "/api/docs": _operation(
        "readDocs",
        "A page to read this description and to try the calls",
        {"200": _answer("The page.", "text/html", _PAGE, "<!DOCTYPE html>…")},
    ),
    "/api/schema": _operation("readSchema", "This description", _SCHEMA_ANSWERS, _SCHEMA_FORMAT, _IF_NONE_MATCH),
    "/api/errors": _operation(
        "listErrors",
        "All codes of problems, as a page",
        {"200": _answer("The page.", "text/html", _PAGE, "<!DOCTYPE html>…")},
    ),
    "/api/errors/{code}": _operation(
        "readError",
        "What a code means and what to do: the address in a problem's `type`",
        {
            "200": _answer("The page.", "text/html", _PAGE, "<!DOCTYPE html>…"),
            "404": {"$ref": "#/components/responses/NotFound"},
        },
        _SLUG,
    ),
    "/api/rate-limiter/stats": _operation(
        "readOpenaiLimits", "How far the limits of OpenAI are used", _limits("openai", "gpt-4.1-mini")
    ),
    "/api/replicate-rate-limiter/stats": _operation(
        "readReplicateLimits", "How far the limits of Replicate are used", _limits("replicate", "")
    ),
    "/health": _operation(
        "readHealth",
        "How the service is: `ok`, `degraded` or, with 503, `down`",
        {"200": _answer("How it is.", "application/json", _STATUS, {"status": "ok"}), "503": _DOWN},
    ),
    "/health/live": _operation(
        "isAlive",
        "Whether the service answers, whatever its database does",
        {"200": _answer("It does.", "application/json", _STATUS, {"status": "ok"})},
    ),
}
