"""How much of the limits was used, by the buckets of five seconds that reservations write: for people, never for pacing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from workers.limits import statements
from workers.limits.limit_rows import following

HOUR = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """Sixty seconds that ended `ago` minutes ago: no minute of the clock, so that the newest one is whole too."""

    ago: int
    requests: int = 0
    tokens: int = 0
    tokens_used: int = 0
    rejections: int = 0

    def share(self, requests_allowed: int, tokens_allowed: int | None) -> float:
        """Return the used share of requests or of tokens, whichever is larger."""
        return max(self.requests / requests_allowed, self.tokens / tokens_allowed if tokens_allowed else 0)


# The clock is a sub-select, which is evaluated once, so that the index on (limit, start) finds the rows.
_LAST_HOUR = """
WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now)
SELECT limit_id, floor(extract(epoch FROM (SELECT now FROM clock) - started_at) / 60)::int AS ago,
       sum(requests)::bigint, sum(tokens)::bigint, sum(tokens_used)::bigint, sum(rejections)::bigint
  FROM workers_ratelimitusage
 WHERE limit_id = ANY(%(limits)s)
   AND started_at > (SELECT now - interval '1 hour' FROM clock) AND started_at <= (SELECT now FROM clock)
 GROUP BY limit_id, ago
"""


def last_hour(limit_ids: Iterable[int]) -> dict[int, list[Minute]]:
    """Return sixty minutes of each limit, the oldest first."""
    found: dict[tuple[int, int], Minute] = {}
    ids = list(limit_ids)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_HOUR, {"limits": ids})
        for limit_id, ago, *sums in cursor.fetchall():
            found[limit_id, ago] = Minute(ago, *sums)
    return {pk: [found.get((pk, ago), Minute(ago)) for ago in reversed(range(HOUR))] for pk in ids}


class Allowed(NamedTuple):
    """What a limit allows in a minute by the numbers in force, ours or the provider's."""

    requests: int
    tokens: int | None


def allowed(limit_ids: Iterable[int]) -> dict[int, Allowed]:
    with connection.cursor() as cursor:
        cursor.execute(statements.IN_FORCE, {"limits": list(limit_ids), **following()})
        return {pk: Allowed(requests, tokens) for pk, requests, tokens in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a shared limit was used over a while: of its requests or of its tokens, whichever share is larger.

    Besides, what the last minute used of either.
    """

    provider: str
    model: str
    share: float
    # Of the last 60 s, against what a minute allows.
    requests: int = 0
    requests_allowed: int = 0
    tokens: int = 0
    tokens_allowed: int | None = None
    blocked_until: datetime | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.model) if part)


def shares(seconds: float) -> list[Share]:
    """Return the used share of each limit that all sites share, over the last `seconds`."""
    parameters = {"seconds": seconds, "providers": list(settings.RATE_LIMITS), **following()}
    with connection.cursor() as cursor:
        cursor.execute(statements.SHARES, parameters)
        return [Share(provider, model, float(share), *rest) for provider, model, share, *rest in cursor.fetchall()]
