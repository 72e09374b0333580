"""Reading from an answer's headers how long a refused call should wait.

No wait is believed beyond RETRY_AFTER_MAX_SECONDS: a year is a slip of the other side, and to look again costs one call.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from django.conf import settings


def seconds(headers: Mapping[str, str]) -> float | None:
    """Read `retry-after-ms`, then `Retry-After` as seconds or as an HTTP date; None without either, or if they make no sense."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) / scale
        except (KeyError, ValueError):
            continue
        if math.isfinite(wait) and wait >= 0:
            return capped(wait)
    until = _until(headers.get("retry-after"), headers.get("date"))
    return None if until is None else capped(until)


def capped(wait: float) -> float:
    """Limit a wait, wherever in an answer it was read."""
    longest: float = settings.RETRY_AFTER_MAX_SECONDS
    return min(wait, longest)


def _until(date: str | None, sent_at: str | None) -> float | None:
    """Seconds until that date, by the clock of the server if the answer tells it: ours may be wrong."""
    ends_at, now = _timestamp(date), _timestamp(sent_at)
    if ends_at is None:
        return None
    return max(0.0, ends_at - (time.time() if now is None else now))


def _timestamp(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
