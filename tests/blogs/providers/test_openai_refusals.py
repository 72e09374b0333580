"""What a refusal means, in the words of OpenAI and of servers that speak its language. Bodies as they were seen in the field."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from blogs.providers.openai_errors import explain
from workers.errors import (
    AccountRefused,
    PermanentError,
    ProviderFailure,
    RateLimited,
    RequestRefused,
    TransientError,
    WorkError,
)

TOPIC = "Garden chairs for small balconies"


def refused(status: int, body: Any, *, prompt: str = TOPIC, headers: dict[str, str] | None = None) -> WorkError:
    """Explain the answer as the SDK meets it."""
    sent = {"model": "m", "messages": [{"role": "system", "content": "Write."}, {"role": "user", "content": prompt}]}

    def answer(request: httpx2.Request) -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx2.Response(status, content=content, headers=headers)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = openai.OpenAI(api_key="k", base_url="https://api.example/v1", max_retries=0, http_client=http)
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(**sent)  # type: ignore[call-overload]
    return explain(caught.value)


def error(message: str, code: Any = None, kind: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


QUOTA = [
    (
        429,
        error("You exceeded your current quota, please check your plan.", "insufficient_quota", "insufficient_quota"),
    ),
    (429, error("Your account is not active.", "billing_not_active", "billing_not_active")),
    (403, error("You exceeded your current quota.", "insufficient_quota")),
    (402, error("Insufficient Balance", "invalid_request_error", "unknown_error")),
    (402, b""),
    (402, error("This request requires more credits, or fewer max_tokens.", 402)),
    (400, error("Billing hard limit has been reached", "billing_hard_limit_reached")),
    (400, error("Your credit balance is too low to access the API.", None, "invalid_request_error")),
    (400, {"code": "Arrearage", "message": "Access denied, please make sure your account is in good standing."}),
    (403, {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 12:34:56."}),
    (403, error("The account has an overdue balance.", "AccountOverdueError")),
    (
        429,
        error(
            "litellm.RateLimitError: OpenAIException - You exceeded your current quota, please check.",
            "429",
            "throttling_error",
        ),
    ),
    (400, error("Budget has been exceeded! Current cost: 10.2, Max budget: 10.0", "400", "budget_exceeded")),
    (429, error("Your organization has reached its monthly spend limit.", "organization_spend_limit_exceeded")),
    (403, error("Your newly created team doesn't have any credits yet.", "The caller does not have permission")),
    (403, error("Your free trial has expired; please recharge.", "403")),
    (429, error("Your account is in arrears.", "1113")),
    (429, error("Your account org-x is suspended, please check your plan.", None, "exceeded_current_quota_error")),
    (429, error("Your prepayment credits are depleted: not enough credits.", 429)),
    (403, error("Key limit exceeded (total limit). Manage it using https://router.example/settings/keys", 403)),
    (403, {"code": 30001, "message": "Sorry, your account balance is insufficient", "data": None}),
    (400, error("Account quota has been depleted")),
    (429, error("余额不足或无可用资源包,请充值。", "1113")),
    (429, {"errors": [{"message": "you have used up your daily free allocation of 10,000 neurons", "code": 4006}]}),
    (429, {"message": "You are using a Trial key, which is limited to 1000 API calls / month."}),
]
KEY = [
    (401, error("Incorrect API key provided: sk-abc.", "invalid_api_key", "invalid_request_error")),
    (401, {"statusCode": 401, "message": "Access denied due to invalid subscription key or wrong API endpoint."}),
    (401, error("The OpenAI account associated with this API key has been deactivated.", "account_deactivated")),
    (403, error("Your access was terminated due to violation of our policies.", None, "access_terminated")),
    (400, error("Organization has been restricted. Please reach out to support.", "organization_restricted")),
    (400, error("API key not valid. Please pass a valid API key.", 400)),
    (400, error("API key expired. Please renew the API key.", "INVALID_ARGUMENT")),
    (401, {"detail": "Unauthorized"}),
    (401, error("Authentication Error, Invalid proxy server token passed.", "401", "auth_error")),
    (403, error("Your organization must be verified to use this model.", None, "invalid_request_error")),
    (429, error("Your account has been suspended, please contact support.", "429")),
    (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}]),
    (400, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}),
    (403, {"error": {"code": 403, "message": "Your API key was reported as leaked. Please use another API key."}}),
    (403, {"error": {"code": 403, "message": "Permission denied: Consumer 'api_key:AIza' has been suspended."}}),
    (
        403,
        error(
            "Country, region, or territory not supported", "unsupported_country_region_territory", "request_forbidden"
        ),
    ),
    (400, [{"error": {"code": 400, "message": "User location is not supported for the API use."}}]),
    (403, error("Access denied due to Virtual Network/Firewall rules.", "AccessDenied")),
    (403, {"error": "This authentication method does not have sufficient permissions to call providers."}),
    (400, error("身份验证失败。", "1000")),
    (407, b""),
]
CONTENT = [
    (400, error("The response was filtered due to Azure's content management policy.", "content_filter")),
    (400, {"error": {"code": "400", "message": "No.", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    (400, error("Your request was rejected as a result of our safety system.", "content_policy_violation")),
    (400, error("Invalid prompt: it was flagged as potentially violating our usage policy.", "invalid_prompt")),
    (400, error("Output data may contain inappropriate content.", "data_inspection_failed")),
    (400, error("litellm.BadRequestError: litellm.ContentPolicyViolationError: rejected by the provider", "400")),
    (403, error("Your chosen model requires moderation and your input was flagged for violence.", 403)),
    (422, {"detail": "Blocked by the guardrail `hate`."}),
    (400, error("Flagged. Repeated violations may end in your account being suspended.", "content_filter")),
    (400, error("Content Exists Risk", "invalid_request_error", "invalid_request_error")),
    (400, error("系统检测到输入或生成内容可能包含不安全或敏感内容", "1301")),
    (400, error("The prompt contains content that is blocked by our terms of service.")),
    (400, error("The text does not comply with our content guidelines", "content_rejected")),
    (400, error("Unable to process input: the request was blocked. PROHIBITED_CONTENT", 400)),
]
SETTINGS = [
    (404, error("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found")),
    (404, b"<html>404 page not found</html>"),
    (404, error("The API deployment for this resource does not exist.", "DeploymentNotFound")),
    (403, error("Project `proj_x` does not have access to model `gpt-4.1-mini`.", "model_not_found")),
    (400, error("Invalid model name passed in model=writer. Call `/v1/models` to see what there is.", "400")),
    (400, {"object": "error", "message": "The model `x-1.5` does not exist.", "type": "NotFoundError", "code": 400}),
    (400, {"error": "model 'llama3.2' not found, try pulling it first"}),
    (
        400,
        error(
            "'response_format' of type 'json_schema' is not supported with this model.", None, None, "response_format"
        ),
    ),
    (400, error("litellm.UnsupportedParamsError: x does not support parameters: ['response_format']", "400")),
    (400, error("Unrecognized request argument supplied: max_completion_tokens", None, "invalid_request_error")),
    (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "strict"], "msg": "Extra inputs are not permitted"}]},
    ),
    (400, error("The model has been decommissioned and is no longer supported.", "model_decommissioned")),
    (400, error("The chatCompletion operation does not work with the specified model, x.", "OperationNotSupported")),
    (400, error("No connected db.", "400", "no_db_connection")),
    (405, {"detail": "Method Not Allowed"}),
    (400, error("gpt-9 is not a valid model ID", 400)),
    (400, {"message": "Invocation of model ID amazon.nova with on-demand throughput isn’t supported."}),
    (403, {"message": "You don't have access to the model with the specified model ID."}),
    (400, error("Key not allowed to access model. This key can only access models=['a']", "401")),
    (302, b""),
    (308, b""),
]


@pytest.mark.parametrize(("status", "body"), QUOTA)
def test_an_account_without_money_is_everybodys_affair(status: int, body: Any) -> None:
    meant = refused(status, body)

    assert isinstance(meant, AccountRefused)
    assert (meant.code, meant.for_all) == ("provider_quota", True)


@pytest.mark.parametrize(("status", "body"), KEY)
def test_a_key_or_an_account_that_is_refused_is_everybodys_affair(status: int, body: Any) -> None:
    meant = refused(status, body)

    assert isinstance(meant, AccountRefused)
    assert (meant.code, meant.for_all) == ("provider_refused_key", True)


@pytest.mark.parametrize(("status", "body"), CONTENT)
def test_a_topic_that_is_refused_is_its_own_affair(status: int, body: Any) -> None:
    meant = refused(status, body)

    assert isinstance(meant, PermanentError)
    assert not isinstance(meant, AccountRefused)
    assert meant.code == "content_refused"


@pytest.mark.parametrize(("status", "body"), SETTINGS)
def test_what_every_call_gets_is_a_matter_of_our_settings(status: int, body: Any) -> None:
    meant = refused(status, body)

    assert isinstance(meant, AccountRefused)
    assert (meant.code, meant.for_all) == ("provider_misconfigured", True)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            error("This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
            "request_too_large",
        ),
        (413, b"", "request_too_large"),
        (400, error("the request exceeds the available context size. try increasing it"), "request_too_large"),
        (
            400,
            {"code": "InvalidParameter", "message": "Range of input length should be [1, 30720]"},
            "request_too_large",
        ),
        (400, error("The input token count exceeds the maximum number of tokens allowed (10)."), "request_too_large"),
        (400, error("The upstream said no.", "E17"), "provider_rejected"),
        (400, b"no", "provider_rejected"),
        (400, [], "provider_rejected"),
        (422, {"error": None}, "provider_rejected"),
        (418, {"error": {"code": ["odd"], "message": {"odd": 1}}}, "provider_rejected"),
        (400, b"[" * 100_000, "provider_rejected"),
    ],
)
def test_what_no_rule_knows_is_not_yet_anybodys(status: int, body: Any, code: str) -> None:
    meant = refused(status, body)

    assert isinstance(meant, RequestRefused)
    assert (meant.code, meant.for_all, meant.code_for_all) == (code, False, "provider_misconfigured")


def test_the_same_refusal_has_the_same_sign_and_another_has_another() -> None:
    signs = {
        refused(400, error(message, "E17")).sign  # type: ignore[attr-defined]
        for message in ("No (request 8f3c0a91) to 'chairs'.", "No (request 77aa0b12) to 'tables'.")
    }

    assert len(signs) == 1
    assert refused(400, error("Never.", "E17")).sign not in signs  # type: ignore[attr-defined]
    assert refused(422, error("No (request 8f3c0a91) to 'chairs'.", "E17")).sign not in signs  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "topic", ["Insufficient balance: what it means", "Why an account has been suspended", "The model does not exist"]
)
def test_a_server_that_repeats_the_topic_has_not_said_it(topic: str) -> None:
    meant = refused(400, error(f"could not parse: {topic}", "bad_request"), prompt=topic)

    assert isinstance(meant, RequestRefused)


@pytest.mark.parametrize(
    "body",
    [
        error("Rate limit reached for m on requests per min (RPM): Limit 3.", "rate_limit_exceeded", "requests"),
        error("Requests have exceeded the token rate limit of your tier. Please retry after 7 seconds.", "429"),
        error("You exceeded your current quota. Please retry in 33.1s.", "RESOURCE_EXHAUSTED"),
        error("No deployments available for selected model, Try again in 5 seconds. Passed model=writer.", "429"),
        error("Too many requests.", None),
        b"slow down",
        {"message": "Requests per minute limit exceeded.", "param": "quota", "code": "request_quota_exceeded"},
        {"message": "Tokens per minute limit exceeded.", "param": "quota", "code": "token_quota_exceeded"},
        [
            {
                "error": {
                    "message": "Quota exceeded for x/generate_requests_per_minute_per_project. Submit a quota increase."
                }
            }
        ],
        {
            "code": "Throttling.AllocationQuota",
            "message": "Allocated quota exceeded, please increase your quota limit.",
        },
        {"message": "You are using a Trial key, which is limited to 40 API calls / minute."},
    ],
)
def test_a_pace_is_no_quota(body: Any) -> None:
    assert isinstance(refused(429, body), RateLimited)


@pytest.mark.parametrize("status", [500, 503, 529, 999, 408, 409, 423, 424, 425, 498, 499])
def test_a_server_that_is_ill_says_so_to_staff(status: int) -> None:
    meant = refused(status, error("upstream connect error"))

    assert isinstance(meant, ProviderFailure)
    assert "upstream connect error" in meant.message


def test_staff_read_the_providers_own_words_without_keys_and_controls() -> None:
    said = "Nothing\x01\u202e here\n for key sk-proj-abcdef0123456789 and eyJhbGciOiJIUzI1NiJ9AAAA. " + "x" * 1_000

    meant = refused(401, error(said))

    assert "It says: Nothing here for key … and …." in meant.message
    assert len(meant.message) < 400


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "Could not finish the message because max_tokens or model output limit was reached. "
            "Please try again with higher max_tokens.",
            "content_truncated",
        ),
        ("max completion tokens reached before generating a valid document", "content_truncated"),
        (
            "Generated JSON does not match the expected schema. Please adjust your prompt. jsonschema: ...",
            "content_invalid",
        ),
        ("The model produced invalid content.", "content_invalid"),
    ],
)
def test_what_is_wrong_with_one_answer_is_that_answers_own(message: str, code: str) -> None:
    error = refused(400, {"error": {"message": message, "type": "invalid_request_error"}})

    assert type(error) is TransientError
    assert error.code == code
