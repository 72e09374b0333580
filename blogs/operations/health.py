"""What operators ask: does the database answer, which workers are alive, how are the shared limits used, what is wrong?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from blogs import queue
from blogs.operations import alerts
from blogs.operations.alerts import Alert
from blogs.providers import ordinary_blog
from workers.database.clock import seconds_from_now
from workers.limits import snapshot, usage
from workers.limits.usage import Share
from workers.models import Breaker, WorkerProcess
from workers.pool import pace
from workers.pool.heartbeat import FRESH_SECONDS

# The limits that all sites share. Wix counts each site by itself, which is no stranger's business.
_SHARED = ("openai", "replicate", "replicate_reads")


@dataclass(frozen=True, slots=True)
class Service:
    """How the service is doing now, as /health, /metrics and the desk's first page show it."""

    queue: dict[str, Any]
    workers: list[dict[str, Any]]
    providers_down: list[dict[str, Any]]
    shares: list[Share]
    alerts: list[Alert]

    @property
    def seats(self) -> int:
        return sum(worker["threads"] for worker in self.workers)

    @property
    def in_flight(self) -> int:
        return sum(worker["in_flight"] for worker in self.workers)

    @property
    def workers_wanted(self) -> int:
        """How many worker processes are worth running now; those that leave don't count, nor does what they still have."""
        staying = [worker for worker in self.workers if not (worker["stopping"] or worker["broken_at"])]
        leaving = sum(worker["in_flight"] for worker in self.workers if worker not in staying)
        works = self.queue["workable"] + max(0, self.queue["processing"] - leaving)
        # The one with the lowest id has measured for the longest.
        threads = staying[0]["threads"] if staying else settings.BLOG_WORKER_THREADS
        measured = staying[0]["fed"] if staying else None
        return pace.workers_wanted(works, _expected_in_flight() if measured is None else measured, threads)

    @property
    def broken(self) -> list[dict[str, Any]]:
        """The workers whose release was found broken."""
        return _broken(self.workers)

    @property
    def is_idle_with_work(self) -> bool:
        return not self.workers and self.queue["queue"] > 0 and not self.queue["paused"]


def service() -> Service:
    """Read all of it. Raises one of outage.DATABASE_AWAY."""
    stats, alive, down = queue.stats(), workers(), providers_down()
    shares = usage.shares(settings.ALERT_WINDOW_SECONDS)
    return Service(stats, alive, down, shares, alerts.firing(stats, len(alive), down, shares, _broken(alive)))


def _expected_in_flight() -> float:
    """Return what the configured limits feed as long as no worker has measured it, or where none does (headroom 0)."""
    headroom: float = settings.WORKS_IN_FLIGHT_HEADROOM or 1.0
    return headroom * pace.fed(ordinary_blog.seconds(), ordinary_blog.use())


def database_serves() -> None:
    """Raises one of outage.DATABASE_AWAY, also where the database answers and takes no writes.

    Nothing is locked or written: a server that takes no writes refuses to begin this one, as it would any.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM workers_breaker WHERE false FOR UPDATE")


def workers() -> list[dict[str, Any]]:
    """List the workers with a fresh heartbeat."""
    alive = WorkerProcess.objects.filter(heartbeat_at__gt=seconds_from_now(-FRESH_SECONDS)).order_by("id")
    shown = (
        "name", "threads", "in_flight", "done", "failed", "stopping", "heartbeat_at", "waiting", "fed", "release", "broken_at",
        "broken_where",
    )  # fmt: skip
    return [{**worker, "waiting": _by_provider(worker["waiting"])} for worker in alive.values(*shown)]


def _broken(workers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [worker for worker in workers if worker["broken_at"]]


def _by_provider(waiting: dict[str, int]) -> dict[str, int]:
    """Sum up by provider: a site's own limit is named by its instance id, and strangers may read this page."""
    sums: Counter[str] = Counter()
    for limit, threads in waiting.items():
        sums[limit.split(":")[0]] += threads
    return dict(sums)


def providers_down() -> list[dict[str, Any]]:
    """List the providers whose breaker is open. Strangers may read of each only its name and since when."""
    found = Breaker.objects.filter(opened_at__isnull=False).order_by("provider")
    return [{**down} for down in found.values("provider", "opened_at", "code", "reason", "held_by", "probe_at")]


def shared_limits() -> list[dict[str, Any]]:
    return [limit for provider in _SHARED for limit in limits(provider)]


def limits(provider: str) -> list[dict[str, Any]]:
    """Describe each shared limit of a provider; before its first use, by the configured numbers."""
    waiting = _threads_waiting(provider)
    rows = snapshot(provider) or [_unused(provider)]
    return [_described(provider, row, waiting) for row in rows]


def _described(provider: str, row: dict[str, Any], waiting: int) -> dict[str, Any]:
    answer = {
        "provider": provider,
        "model": row["model"],
        "requests": _use(row["requests_per_minute"], row["requests_used"]),
        "nextFreeInSeconds": round(row["next_free_in_seconds"], 3),
        "waiting": waiting,
        "blockedUntil": row["blocked_until"],
        "rejections": row["rejections"],
        "lastRejectionAt": row["last_rejection_at"],
        "paceShare": round(row["pace_share"], 3),
        "providerSays": _said(row),
    }
    if row["tokens_per_minute"]:
        answer["tokens"] = _use(row["tokens_per_minute"], row["tokens_reserved"])
        answer["tokens"]["usedByAnswersLast60Seconds"] = row["tokens_used"]
    return answer


def _said(row: dict[str, Any]) -> dict[str, Any] | None:
    """Give what the provider's own answers name, if they name anything. `limit` elsewhere is the number in force."""
    if row["provider_seen_at"] is None and row["provider_requests_remaining"] is None:
        return None
    ours = (row["configured_requests_per_minute"], row["configured_tokens_per_minute"])
    theirs = (row["provider_requests_per_minute"], row["provider_tokens_per_minute"])
    return {
        "requestsPerMinute": theirs[0],
        "tokensPerMinute": theirs[1],
        "requestsRemaining": row["provider_requests_remaining"],
        "tokensRemaining": row["provider_tokens_remaining"],
        "seenAt": row["provider_seen_at"],
        "differsFromConfigured": any(named not in (None, own) for named, own in zip(theirs, ours, strict=True)),
    }


def _use(limit: int, used: int) -> dict[str, Any]:
    return {"limit": limit, "usedLast60Seconds": used, "remaining": max(0, limit - used)}


def _unused(provider: str) -> dict[str, Any]:
    numbers = settings.RATE_LIMITS[provider]
    return {
        "model": "",
        "requests_per_minute": numbers["requests"],
        "tokens_per_minute": numbers.get("tokens"),
        "provider_seen_at": None,
        "provider_requests_remaining": None,
        "pace_share": 1.0,
        "requests_used": 0,
        "tokens_reserved": 0,
        "tokens_used": 0,
        "next_free_in_seconds": 0.0,
        "blocked_until": None,
        "rejections": 0,
        "last_rejection_at": None,
    }


def _threads_waiting(provider: str) -> int:
    return sum(worker["waiting"].get(provider, 0) for worker in workers())
