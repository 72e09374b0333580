"""Reads what Replicate says of our limit: how much is left. It names the limit itself only in the text of some refusals."""

from __future__ import annotations

import re
from typing import Any

import httpx

from workers.limits import Named
from workers.outbound import retry_after
from workers.texts import parsed_json

# Where an answer says nothing of how long.
THROTTLED_SECONDS = 5.0
# "Your rate limit resets in ~5s", "Expected available in 1 second", "resets in ~30s".
_AGAIN = re.compile(r"in ~?(\d+(?:\.\d+)?) ?s", re.IGNORECASE)
# To an account with little credit: "is reduced to 6 requests per minute with a burst of 1 requests".
_IN_TEXT = re.compile(r"(\d{1,6}) requests per minute")


def named(answer: httpx.Response) -> Named:
    left = answer.headers.get("ratelimit-remaining", "")
    found = _IN_TEXT.search(_detail(answer)) if answer.status_code == 429 else None
    return Named(
        requests_per_minute=int(found.group(1)) or None if found else None,
        requests_remaining=int(left) if left.isdecimal() and len(left) < 10 else None,
    )


def wait_of(answer: httpx.Response | None) -> float | None:
    """Return the seconds to wait: by `Retry-After`, else by the body's `retry_after`, its text, or the limit's reset.

    Any of them may be missing; None where all are.
    """
    if answer is None:
        return None
    wait = retry_after.seconds(answer.headers)
    if wait is None:
        wait = retry_after.seconds({"retry-after": str(_body(answer).get("retry_after", ""))})
    if wait is None and (found := _AGAIN.search(_detail(answer))):
        wait = retry_after.capped(float(found.group(1)))
    if wait is None:
        wait = retry_after.seconds({"retry-after": answer.headers.get("ratelimit-reset", "")})
    return None if wait is None else max(1.0, wait)


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = parsed_json(answer.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _detail(answer: httpx.Response) -> str:
    return str(_body(answer).get("detail", ""))
