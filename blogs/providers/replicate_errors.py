"""What Replicate's refusals of an order or a look mean, and why a picture that was ordered has failed."""

from __future__ import annotations

import json
import re

import httpx

from blogs.providers import replicate_limits
from blogs.providers.refusals import Refusal, cleaned
from workers.errors import (
    AccountRefused,
    PermanentError,
    ProviderFailure,
    RateLimited,
    RequestRefused,
    TooFast,
    WorkError,
)

# Failures of Replicate's machines: the model never had a say about this prompt.
_PASSING = re.compile(
    r"interrupt|please (?:re-?)?try|try (?:it )?again|retry|high demand|overload|at capacity|(?:un|not )available"
    r"|unexpected(?:ly)? error|internal (?:server )?error|timed? ?out|queue is full|shut(?:ting)? down|preempt|worker (?:died|lost)"
    r"|temporar|connection (?:reset|error|refused|closed)|network error|upstream|busy|warming up"
    r"|\b(?:PA|E003|E004|E1000|E6716|E8367|E8765|E9243|E9825)\b",
    re.IGNORECASE,
)


class Interrupted(PermanentError):
    """The picture failed by no fault of its prompt: another order may bring one."""


def of_failure(status: str, error: object) -> PermanentError:
    """Say why a prediction has ended without a picture."""
    reason = cleaned(error) if isinstance(error, str) else ""
    message = f"Replicate could not make the picture ({cleaned(status)}){f': {reason}' if reason else '.'}"
    if status == "failed" and _PASSING.search(reason) and not Refusal(200, sentence=reason).is_of_content:
        return Interrupted("image_failed", message)
    return PermanentError("image_failed", message)


def of_order(answer: httpx.Response) -> WorkError:
    """Explain a refused order. What the model or its version lacks, all orders lack."""
    refusal = Refusal.read(answer.status_code, answer.content, _prompt_of(answer))
    if refusal.is_of_our_settings and not refusal.is_of_quota and refusal.status < 500 and refusal.status != 429:
        message = f"Replicate refuses what we order every time ({refusal.status}); an operator must look."
        return AccountRefused("provider_misconfigured", _said(message, refusal), for_all=True)
    return _by_status(refusal, answer)


def of_look(answer: httpx.Response) -> WorkError:
    """Explain a refused look at a picture, which may be gone."""
    if answer.is_redirect:
        message = "Replicate sends us elsewhere; an operator must look at REPLICATE_BASE_URL."
        return AccountRefused("provider_misconfigured", message, for_all=True)
    refusal = Refusal.read(answer.status_code, answer.content)
    if refusal.status in (404, 410):
        return PermanentError("image_failed", f"Replicate knows no such picture ({refusal.status}).")
    return _by_status(refusal, answer)


def _by_status(refusal: Refusal, answer: httpx.Response) -> WorkError:
    status = refusal.status
    if status == 429:
        wait, guess = replicate_limits.wait_of(answer), replicate_limits.THROTTLED_SECONDS
        message = "Replicate asks us to wait."
        return RateLimited("rate_limited", message, retry_in=wait, guess=guess, too_fast=TooFast.RATE)
    if status >= 500:
        return ProviderFailure("provider_unavailable", _said(f"Replicate answered {status}.", refusal))
    if refusal.is_of_content and not refusal.codes_are_of_account:
        return PermanentError("image_failed", _said(f"Replicate refused the picture ({status}).", refusal))
    if refusal.is_of_quota or refusal.is_of_key:
        message = _said(f"Replicate refuses our account ({status}); an operator must look.", refusal)
        return AccountRefused(
            "provider_quota" if refusal.is_of_quota else "provider_refused_key", message, for_all=True
        )
    if status == 403:
        return AccountRefused(
            "provider_quota", _said("Replicate refuses our account (403); an operator must look.", refusal)
        )
    return RequestRefused(
        "image_failed", _said(f"Replicate refused the picture ({status}).", refusal), sign=refusal.sign
    )


def _said(sentence: str, refusal: Refusal) -> str:
    return f"{sentence} It says: {refusal.shown}" if refusal.shown else sentence


def _prompt_of(answer: httpx.Response) -> str:
    """Return what we had sent of a shop's words: a refusal may repeat them."""
    try:
        return str(json.loads(answer.request.content)["input"]["prompt"])
    except (ValueError, LookupError, TypeError, RuntimeError):
        return ""
