"""What a failed call to OpenAI, or to a server that speaks its language, means for the caller."""

from __future__ import annotations

import json

import httpx2
import openai

from blogs.providers import openai_limits
from blogs.providers.refusals import Refusal
from workers.errors import (
    AccountRefused,
    PermanentError,
    ProviderFailure,
    RateLimited,
    RequestRefused,
    TooFast,
    TransientError,
    WorkError,
)

CONTENT_REFUSED = PermanentError("content_refused", "OpenAI declined to write about this topic; ask for another one.")


# The server is ill or busy, although the number says that the request is wrong. 424 is that of TGI and Bedrock where the model
# fails, 498 Groq's for a lack of room, 499 a proxy's whose client seems to have left.
_PASSING = (408, 409, 423, 424, 425, 498, 499)


def explain(error: Exception) -> WorkError:
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return ProviderFailure("timeout", "OpenAI did not answer in time.")
    if not isinstance(error, openai.APIStatusError):
        return ProviderFailure("provider_unavailable", "The connection to OpenAI broke, or its answer was not JSON.")
    refusal = Refusal.read(error.status_code, error.response.content, _prompt_of(error.request))
    return of_refusal(refusal, dict(error.response.headers))


def of_refusal(refusal: Refusal, headers: dict[str, str]) -> WorkError:
    if (everybodys := _of_account(refusal)) is not None:
        return everybodys
    if refusal.is_of_content and refusal.status < 500:
        return PermanentError(CONTENT_REFUSED.code, CONTENT_REFUSED.message)
    if refusal.status == 429:
        return _of_pace(refusal, headers)
    if refusal.status in _PASSING or refusal.status >= 500 or refusal.status < 300:
        return ProviderFailure("provider_unavailable", _said(f"OpenAI answered {refusal.status}.", refusal))
    return _of_request(refusal)


def _of_account(refusal: Refusal) -> AccountRefused | None:
    """Return what concerns our account, and so all calls; None for anything else.

    Codes speak before sentences: a topic's refusal may threaten to close the account, and a 429 may call a pace a quota.
    """
    if refusal.codes_are_of_content:
        return None
    if not refusal.codes_are_of_account and refusal.status == 429 and _is_about_pace(refusal):
        return None
    if refusal.is_of_quota:
        message = _said("Our OpenAI account has run out; an operator must look.", refusal)
        return AccountRefused("provider_quota", message, for_all=True)
    if refusal.is_of_key:
        message = _said("OpenAI refuses our key; an operator must look.", refusal)
        return AccountRefused("provider_refused_key", message, for_all=True)
    return None


def _is_about_pace(refusal: Refusal) -> bool:
    return refusal.is_of_pace or openai_limits.wait_in(refusal.sentence) is not None


def _of_pace(refusal: Refusal, headers: dict[str, str]) -> WorkError:
    if "request too large" in refusal.sentence.lower():
        return PermanentError("request_too_large", "The request is larger than OpenAI takes in a minute.")
    return RateLimited(
        "rate_limited",
        "OpenAI asks us to wait.",
        retry_in=openai_limits.wait_of(headers, refusal.sentence),
        guess=openai_limits.THROTTLED_SECONDS,
        too_fast=TooFast.RAMP if "slow_down" in refusal.codes else TooFast.RATE,
    )


def _of_request(refusal: Refusal) -> WorkError:
    """Say whose fault a refused request is: that of one answer, of our settings, or of this work unless others get the same."""
    if refusal.answer_was_cut:
        return TransientError("content_truncated", "The text did not fit into its token budget.")
    if refusal.answer_was_unusable:
        return TransientError("content_invalid", _said("OpenAI's model wrote no usable answer.", refusal))
    if refusal.is_too_large:
        message = _said("The request is larger than OpenAI's model takes.", refusal)
        return RequestRefused("request_too_large", message, sign=refusal.sign)
    if refusal.is_of_our_settings:
        message = _said(f"OpenAI refuses what we ask every time ({refusal.status}); an operator must look.", refusal)
        return AccountRefused("provider_misconfigured", message, for_all=True)
    if refusal.status == 403:
        message = _said("OpenAI refuses this to our key; an operator must look.", refusal)
        return AccountRefused("provider_refused_key", message)
    message = _said(f"OpenAI refused the request ({refusal.status}).", refusal)
    return RequestRefused("provider_rejected", message, sign=refusal.sign)


def _said(sentence: str, refusal: Refusal) -> str:
    return f"{sentence} It says: {refusal.shown}" if refusal.shown else sentence


def _prompt_of(request: httpx2.Request) -> str:
    """Return what we had sent of a shop's words: a server may repeat them in its refusal."""
    try:
        messages = json.loads(request.content)["messages"]
        return " ".join(message["content"] for message in messages)
    except (ValueError, LookupError, TypeError, httpx2.RequestNotRead):
        return ""
