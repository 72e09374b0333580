"""Reads what OpenAI says of our limit: in every answer's headers, which other servers often lack, and in a refusal's text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workers.limits import Named
from workers.outbound import retry_after

# Where an answer says nothing of how long.
THROTTLED_SECONDS = 5.0
_MINUTES = 600.0
# A column holds no more. Some servers say "no limit" by a larger number.
_LARGEST = 2**31 - 1
# Limits a day are named in the same words: "requests per day (RPD): Limit 10000".
_IN_TEXT = {"requests": re.compile(r"\(RPM\): Limit:? (\d+)"), "tokens": re.compile(r"\(TPM\): Limit:? (\d+)")}
_AGAIN = re.compile(r"(?:try again in|retry in|retry after) ((?:\d+(?:\.\d+)? ?(?:h|ms|m|s)[a-z]* ?)+)", re.IGNORECASE)
_BEHIND = "llm_provider-"
_PART = re.compile(r"(\d+(?:\.\d+)?) ?(h|ms|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def named(headers: Mapping[str, str], refusal: str = "") -> Named:
    """Read the limit and what is left of it. Where the project has a limit of its own, the smaller one holds."""
    return Named(
        requests_per_minute=_smallest(headers, "limit", "requests", least=1) or _in_text(refusal, "requests"),
        tokens_per_minute=_smallest(headers, "limit", "tokens", least=1) or _in_text(refusal, "tokens"),
        requests_remaining=_smallest(headers, "remaining", "requests"),
        tokens_remaining=_smallest(headers, "remaining", "tokens"),
    )


def wait_of(headers: Mapping[str, str], refusal: str) -> float | None:
    """Return the seconds to wait: by headers, else by the text ("try again in 1.146s", "in 6m0s"). None where both are missing."""
    wait = retry_after.seconds(headers)
    if wait is None:
        wait = retry_after.seconds(_behind_a_gateway(headers))
    if wait is None:
        wait = wait_in(refusal)
    return None if wait is None else max(0.1, wait)


def wait_in(refusal: str) -> float | None:
    """Read when to come again from a refusal's text; None where it doesn't say."""
    found = _AGAIN.search(refusal)
    return retry_after.capped(_seconds(found.group(1))) if found else None


def _behind_a_gateway(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that LiteLLM passes on from the provider behind it."""
    return {
        name.lower().removeprefix(_BEHIND): said for name, said in headers.items() if name.lower().startswith(_BEHIND)
    }


def _smallest(headers: Mapping[str, str], what: str, metric: str, *, least: int = 0) -> int | None:
    scopes = [
        scope
        for scope in ("", "project-")
        if _fills_within_minutes(headers.get(f"x-ratelimit-reset-{scope}{metric}", ""))
    ]
    said = (headers.get(f"x-ratelimit-{what}-{scope}{metric}", "") for scope in scopes)
    numbers = [int(text) for text in said if text.isdecimal() and len(text) <= 10]
    return min((number for number in numbers if least <= number <= _LARGEST), default=None)


def _fills_within_minutes(reset: str) -> bool:
    """Tell a minute's limit from a day's, which has the same headers but takes hours to be full again."""
    return _seconds(reset) <= _MINUTES


def _seconds(duration: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def _in_text(refusal: str, metric: str) -> int | None:
    found = _IN_TEXT[metric].search(refusal)
    return int(found.group(1)) if found and len(found.group(1)) < 10 and int(found.group(1)) else None
