"""Wix's error bodies: an application error, a validation error, or nothing at all for its own failures."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.sandbox.provider import Refused


def application_error(status: int, code: str, message: str, data: dict[str, Any] | None = None) -> web.Response:
    details = {"applicationError": {"code": code, "description": message, "data": data or {}}}
    return web.json_response({"message": message, "details": details}, status=status)


def invalid(field: str, description: str, rule: str = "INVALID", **data: Any) -> Refused:
    violation = {
        "field": field,
        "description": description,
        "violatedRule": rule,
        "ruleName": rule,
        "data": data,
    }
    details = {"validationError": {"fieldViolations": [violation]}}
    return Refused(web.json_response({"message": f"{field} {description}", "details": details}, status=400))


def malformed() -> Refused:
    return Refused(application_error(400, "INVALID_ARGUMENT", "Failed to parse request body"))


def not_found(what: str) -> Refused:
    return Refused(application_error(404, "NOT_FOUND", f"{what} not found"))


def system_error(status: int) -> web.Response:
    """Empty by design."""
    return web.json_response({"message": "", "details": {}}, status=status)
