"""What providers answer, said to the limits' rows; time passes by moving a row's times into the past."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from tests.support.workers.pacing import OPENAI
from workers.context.process_memory import forget_everything
from workers.limits import Named, learning, limit_rows, snapshot
from workers.models import RateLimit

_TIMES = [
    "blocked_until",
    "lowered_at",
    "full_pace_at",
    "provider_changed_at",
    "provider_requests_seen_at",
    "provider_tokens_seen_at",
    "requests_tat",
    "tokens_tat",
]


def seconds_later(seconds: float) -> None:
    moved = ", ".join(f"{name} = {name} - {seconds} * interval '1 second'" for name in _TIMES)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE workers_ratelimit SET {moved}")


def apart(settings: Any, *, tokens: int = 0) -> float:
    """Return the seconds from one place to the next, by the row: however slow this machine is, it is never late for them."""
    settings.RATE_LIMIT_HORIZON_SECONDS = 1e6
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workers_ratelimit SET requests_tat = clock_timestamp() + interval '1 hour', "
            "tokens_tat = clock_timestamp() + interval '1 hour'"
        )
    arrivals = []
    for _ in range(3):
        limit_rows.ask(OPENAI, tokens)
        limit = RateLimit.objects.get()
        arrivals.append(max(limit.requests_tat, limit.tokens_tat))
    return (arrivals[2] - arrivals[1]).total_seconds()


def share() -> float:
    return float(snapshot("openai")[0]["pace_share"])


def in_force() -> tuple[int, int | None]:
    (seen,) = snapshot("openai")
    return seen["requests_per_minute"], seen["tokens_per_minute"]


def hear(
    requests: int | None = None,
    tokens: int | None = None,
    *,
    seconds_ago: float = 0.0,
    confirm_seconds: float = 5.0,
    **left: int,
) -> None:
    began = time.monotonic() - seconds_ago
    learning.note(OPENAI, Named(requests, tokens, **left), began=began, confirm_seconds=confirm_seconds)


def hear_later(requests: int | None = None, tokens: int | None = None) -> None:
    """Note what a call was told that began after all that is known."""
    seconds_later(60)
    forget_everything()
    hear(requests, tokens)
