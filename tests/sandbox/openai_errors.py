"""OpenAI's error bodies, word for word where its documentation or its clients know them."""

from __future__ import annotations

import math

from aiohttp import web

from tests.sandbox.provider import Refused

# kind -> status, type, code, message. The texts are OpenAI's own; clients read them.
ERRORS = {
    "insufficient_quota": (
        429, "insufficient_quota", "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    ),
    "slow_down": (
        429, "rate_limit_error", "slow_down",
        "Your request rate has risen too fast. Please slow down and increase your traffic gradually.",
    ),
    "401": (
        401, "invalid_request_error", "invalid_api_key",
        "Incorrect API key provided: sk-*****. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    "403": (
        403, "request_forbidden", "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    "500": (
        500, "server_error", None, "The server had an error while processing your request. Sorry about that!",
    ),
    "503": (
        503, "server_error", "server_is_overloaded", "The server is currently overloaded. Please try again later.",
    ),
    "not_found": (
        404, "invalid_request_error", "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
}  # fmt: skip
NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys."
)


def error(
    status: int, kind: str, code: str | None, message: str, *, param: str | None = None, wait: float | None = None
) -> web.Response:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    headers = {}
    if wait is not None:
        headers = {"Retry-After": str(max(1, math.ceil(wait))), "retry-after-ms": str(math.ceil(wait * 1000))}
    return web.json_response(body, status=status, headers=headers)


def bad_request(message: str, param: str | None = None) -> Refused:
    return Refused(error(400, "invalid_request_error", None, message, param=param))
