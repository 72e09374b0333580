"""The problems in the document: one shape for all, and for each status and its codes a response with an example of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from blogs.api.errors.codes import CODES
from blogs.api.errors.examples import example


class ProblemField(serializers.Field[Any, Any, Any, Any]):
    """Stands for a problem within another shape."""


class _Problem(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = ProblemField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"$ref": "#/components/schemas/Problem"}


PROBLEM_JSON = "application/problem+json"
# What every address may answer, besides what the door and the web server refuse; and what those with a body may.
OF_ALL = (
    "invalid", "malformed", "method_not_allowed", "not_acceptable", "request_timeout", "uri_too_long", "headers_too_large",
    "internal", "not_implemented", "database_unavailable", "unavailable", "timeout",
)  # fmt: skip
OF_CREDENTIALS = (
    "not_authenticated",
    "invalid_token",
    "site_removed",
    "throttled",
    "too_many_at_once",
    "identity_unavailable",
)
OF_BODIES = ("parse_error", "length_required", "request_too_large", "unsupported_media_type")
OF_OPEN_ADDRESSES = (
    "malformed", "method_not_allowed", "not_acceptable", "request_timeout", "uri_too_long", "headers_too_large", "internal",
    "not_implemented", "unavailable", "timeout",
)  # fmt: skip

SHAPE: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Program by `code`. Further fields stand in those of some codes.",
    "required": ["type", "title", "status", "code", "detail", "retryable", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "the page that says what the code means"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "stable; see /api/errors"},
        "detail": {"type": "string", "description": "for a person; its words may change"},
        "retryable": {"type": "boolean", "description": "whether the same request may succeed later"},
        "requestId": {"type": "string", "description": "what support finds it by"},
        "errors": {
            "type": "array",
            "description": "with `invalid`: every field or parameter that is wrong",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "required": {"type": "integer", "description": "with `insufficient_credits`: what a blog costs"},
        "available": {"type": "integer", "description": "with `insufficient_credits`: what the site has free"},
        "upgradeUrl": {"type": "string", "description": "where a larger plan is to be had"},
        "estimatedWaitSeconds": {"type": ["integer", "null"], "description": "until what waits now has started"},
        "retryAfterSeconds": {"type": "integer", "description": "in the results of a bulk request: its Retry-After"},
        "blogStatus": {"type": "string", "description": "with `wrong_state` and `not_ready`: the blog's status"},
        "possible": {"type": "array", "items": {"type": "string"}, "description": "what may be done to it instead"},
        "unknown": {"type": "array", "items": {"type": "string"}, "description": "with `unknown_products`: their ids"},
        "topic": {"type": "string", "description": "with `duplicate_topic`: what the shop has already"},
        "blogId": {
            "type": ["integer", "null"],
            "description": "with `duplicate_topic` and `idea_used`: the blog that has it",
        },
        "postUrl": {"type": ["string", "null"], "description": "with `duplicate_topic`: the post that has it"},
    },
}
# Of each answer below /api, the second one where the caller is known.
RATE_FIELDS = ("RateLimit-Policy", "RateLimit")
# Which header an answer of a status has besides X-Request-ID.
_ALWAYS = {401: ["WWW-Authenticate"], 405: ["Allow"], 429: ["Retry-After"]}
_SOMETIMES = {409: ["Retry-After"], 503: ["Retry-After"]}


def responses(codes: Iterable[str], shared: dict[str, Any]) -> Mapping[str, Any]:
    """Return a response for each status of these codes. Each is stored once in `shared`, by a name that its codes make."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in CODES:
        if code in codes:
            by_status[CODES[code].http].append(code)
    found = {}
    for http, group in sorted(by_status.items()):
        name = _name(group)
        shared[name] = _response(http, group)
        found[str(http)] = {"$ref": f"#/components/responses/{name}"}
    return found


def _name(codes: list[str]) -> str:
    return "".join(part.capitalize() for code in codes for part in code.split("_"))


def _response(http: int, codes: list[str]) -> dict[str, Any]:
    about = " ".join(f"`{code}`: {CODES[code].means}" for code in codes)
    sometimes = [*RATE_FIELDS, *_SOMETIMES.get(http, [])]
    names = ["X-Request-ID", *_ALWAYS.get(http, []), *sometimes]
    return {
        "description": f"{HTTPStatus(http).phrase}. {about}",
        "headers": {
            name: {"$ref": f"#/components/headers/{component_of(name, always=name not in sometimes)}"} for name in names
        },
        "content": {
            PROBLEM_JSON: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"summary": CODES[code].title, "value": example(code)} for code in codes},
            }
        },
    }


def component_of(header: str, *, always: bool) -> str:
    return header.replace("-", "") + ("" if always else "Sometimes")
