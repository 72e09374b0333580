"""Replicate's error bodies, and the forms in which it has asked people to slow down."""

from __future__ import annotations

import math
from email.utils import formatdate
from typing import Any

from aiohttp import web

ERRORS = {
    "401": (401, "Unauthenticated", "You did not pass a valid authentication token"),
    "403": (403, "Permission denied", "You do not have permission to perform this action."),
    "insufficient_quota": (
        402,
        "Insufficient credit",
        "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to "
        "purchase credit.",
    ),
    "500": (500, "Internal server error", "An unexpected error occurred. Please try again."),
    "503": (503, "Service unavailable", "The service is temporarily unavailable. Please try again."),
    "not_found": (404, "Not found", "The requested resource could not be found."),
    "version_gone": (
        422,
        "Invalid version or not permitted",
        "The specified version does not exist (or perhaps you don't have permission to use it?)",
    ),
    "invalid_input": (422, "Input validation failed", "- input.prompt: prompt must be shorter than 400 characters"),
}
# kind -> why a prediction has failed.
FAILURES = {
    "prediction_failed": "Prediction failed: CUDA out of memory. Tried to allocate 2.00 GiB.",
    "interrupted": "Prediction interrupted; please retry (code: PA)",
    "high_demand": "Service is currently unavailable due to high demand. Please try again later. (E003)",
    "sensitive": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
}
THROTTLED = {
    "resets": "Request was throttled. Your rate limit resets in ~{}s.",
    "expected": "Request was throttled. Expected available in {} seconds.",
}
LOW_CREDIT = (
    "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 "
    "requests while you have less than $5.0 in credit. Your rate limit resets in ~{}s."
)


def error(status: int, title: str, detail: str, **more: Any) -> web.Response:
    body = {"title": title, "detail": detail, "status": status, **more}
    return web.json_response(body, status=status, content_type="application/problem+json")


def throttled(wait: float, form: str, text: str, now: float) -> web.Response:
    """In one of the forms of `switches.py`; `text` has a place for the seconds."""
    seconds = max(1, math.ceil(wait))
    body: dict[str, Any] = {"detail": text.format(seconds), "status": 429}
    headers = {}
    if form in ("both", "body"):
        body["retry_after"] = seconds
    if form in ("both", "header"):
        headers["Retry-After"] = str(seconds)
    if form == "date":
        headers["Retry-After"] = formatdate(math.ceil(now + wait), usegmt=True)
    return web.json_response(body, status=429, headers=headers)


def invalid(name: str, description: str) -> web.Response:
    fields = [{"type": "required", "field": name, "description": description}]
    return error(422, "Input validation failed", f"- {name}: {description}\n", invalid_fields=fields)
