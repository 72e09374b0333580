"""OpenAI's error bodies, word for word where its documentation or its clients know them."""

from __future__ import annotations

import math
from email.utils import formatdate

from aiohttp import web

from tests.sandbox.provider import Refused

# kind -> status, type, code, message. The texts are OpenAI's own; clients read them.
ERRORS = {
    "insufficient_quota": (
        429, "insufficient_quota", "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
    ),
    "credit_balance_exhausted": (
        429, "insufficient_quota", "credit_balance_exhausted",
        "Your organization has used all of its prepaid credits. Please add credits to continue.",
    ),
    "organization_spend_limit_exceeded": (
        429, "insufficient_quota", "organization_spend_limit_exceeded",
        "Your organization has reached its monthly spend limit.",
    ),
    "project_spend_limit_exceeded": (
        429, "insufficient_quota", "project_spend_limit_exceeded", "Your project has reached its monthly spend limit.",
    ),
    "organization_usage_limit_exceeded": (
        429, "insufficient_quota", "organization_usage_limit_exceeded",
        "Your organization has reached its approved usage limit.",
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
        403, "request_forbidden", "request_forbidden", "This request is not allowed.",
    ),
    "500": (
        500, "server_error", None, "The server had an error while processing your request. Sorry about that!",
    ),
    "503": (
        503, "server_error", "server_is_overloaded", "The server is currently overloaded. Please try again later.",
    ),
    # As an overload was called before `server_is_overloaded`.
    "503_slow_down": (
        503, "server_error", "slow_down", "The server is currently overloaded. Please slow down and try again later.",
    ),
    "not_found": (
        404, "invalid_request_error", "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    # The account is refused, in the words of OpenAI, of Azure and of servers that speak its language.
    "billing_not_active": (
        429, "billing_not_active", "billing_not_active",
        "Your account is not active, please check your billing details on our website.",
    ),
    "hard_limit": (400, "invalid_request_error", "billing_hard_limit_reached", "Billing hard limit has been reached."),
    "deactivated": (
        401, "invalid_request_error", "account_deactivated",
        "The OpenAI account associated with this API key has been deactivated.",
    ),
    "access_terminated": (
        403, "access_terminated", None,
        "Your access was terminated due to violation of our policies, please check your email for more information.",
    ),
    "402": (402, "unknown_error", "invalid_request_error", "Insufficient Balance"),
    "gateway_quota": (
        429, None, "429",
        "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check your plan and "
        "billing details.. Received Model Group=writer\nAvailable Model Group Fallbacks=None",
    ),
    "gateway_budget": (
        400, "budget_exceeded", "400", "Budget has been exceeded! Current cost: 10.2, Max budget: 10.0",
    ),
    # The topic is refused before it is written about.
    "content_filter_400": (
        400, None, "content_filter",
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your "
        "prompt and retry.",
    ),
    "content_policy_400": (
        400, "image_generation_user_error", "content_policy_violation",
        "Your request was rejected as a result of our safety system.",
    ),
    "invalid_prompt": (
        400, "invalid_request_error", "invalid_prompt",
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different "
        "prompt.",
    ),
    "gateway_content": (
        400, None, "400",
        "litellm.BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - Your "
        "request was rejected.",
    ),
    # What every call gets from a server that isn't as our settings say.
    "no_json_schema": (
        400, "invalid_request_error", None,
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    ),
    "no_max_completion_tokens": (
        400, "BadRequestError", None, "Unrecognized request argument supplied: max_completion_tokens",
    ),
    "unknown_model": (
        400, "invalid_request_error", "400",
        "/chat/completions: Invalid model name passed in model=writer. Call `/v1/models` to view available models for your key.",
    ),
    "no_deployment": (
        404, None, "DeploymentNotFound", "The API deployment for this resource does not exist.",
    ),
    "odder_400": (400, "bad_request", "E18", "The upstream said never."),
    "odd_400": (400, "bad_request", "E17", "The upstream said no (request 8f3c0a91)."),
}  # fmt: skip
NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys."
)


def error(
    status: int,
    kind: str | None,
    code: str | None,
    message: str,
    *,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return web.json_response(body, status=status, headers=headers)


def come_back(wait: float, form: str, now: float) -> dict[str, str]:
    """The headers that say when, in one of the forms of `switches.py`."""
    seconds, milliseconds = str(max(1, math.ceil(wait))), str(math.ceil(wait * 1000))
    return {
        "both": {"Retry-After": seconds, "retry-after-ms": milliseconds},
        "seconds": {"Retry-After": seconds},
        "milliseconds": {"retry-after-ms": milliseconds},
        "date": {"Retry-After": formatdate(math.ceil(now + wait), usegmt=True)},
        "none": {},
    }[form]


def bad_request(message: str, param: str | None = None) -> Refused:
    return Refused(error(400, "invalid_request_error", None, message, param=param))
