"""The header fields of answers in the document, each as it always stands there and as it may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blogs.api.openapi.problems import component_of

FIELDS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "X-Request-ID": ({"type": "string"}, "What support finds this request by.", "0f8c1d0c2b6e4d0f9a7be349ab9461c4"),
    "Location": (
        {"type": "string", "format": "uri"},
        "The address of what was made.",
        "https://blogs.example.com/api/blog-generation/61",
    ),
    "Retry-After": (
        {"type": "integer", "minimum": 0},
        "After how many seconds another look, or another try, is worth it.",
        30,
    ),
    "ETag": (
        {"type": "string"},
        "This very answer, by name: sent back in If-None-Match it brings 304 while nothing has changed.",
        '"5f1c7a2e9b0d4c6f8a7be349ab9461c4"',
    ),
    "Idempotency-Replayed": (
        {"type": "string", "enum": ["true"]},
        "Stands there where this is the answer to an earlier request with the same Idempotency-Key.",
        "true",
    ),
    "RateLimit-Policy": (
        {"type": "string"},
        "What a site may send: `q` requests in `w` seconds, or at once (draft-ietf-httpapi-ratelimit-headers-11).",
        '"requests";q=6000;w=60, "at-once";q=32;qu="concurrent-requests"',
    ),
    "RateLimit": (
        {"type": "string"},
        "What is left of one of these limits, `r`, for `t` seconds. A caller who is not known has none.",
        '"requests";r=5990;t=32',
    ),
    "WWW-Authenticate": ({"type": "string"}, "Which credential is asked for.", 'Bearer realm="wix app instance"'),
    "Allow": ({"type": "string"}, "The methods that this address takes.", "GET, POST, HEAD, OPTIONS"),
}


def components(used: Iterable[str]) -> dict[str, Any]:
    """Return the components of these names, each of a field that stands there always or sometimes."""
    found = {}
    for name, (schema, about, example) in FIELDS.items():
        for always in (True, False):
            component = component_of(name, always=always)
            if component in used:
                header = {"description": about, "schema": schema, "example": example}
                found[component] = {**header, "required": True} if always else header
    return found


def of_answer(always: Iterable[str], sometimes: Iterable[str]) -> dict[str, Any]:
    wanted = [(name, True) for name in always] + [(name, False) for name in sometimes]
    return {name: {"$ref": f"#/components/headers/{component_of(name, always=so)}"} for name, so in wanted}
