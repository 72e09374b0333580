"""Health and limits, for operators and load balancers: no token needed, no site's data shown."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from blogs import queue
from blogs.operations import alerts, exposition
from blogs.operations import health as checks
from blogs.operations import queue_exposition as blogs_exposition
from workers.database.outage import DATABASE_AWAY

logger = logging.getLogger(__name__)

# Limits that are ours; Wix counts each site by itself, and says nothing to strangers.
_SHARED = ("openai", "replicate", "replicate_reads")


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """`ok`; `degraded` (still 200) when nobody works on a queue that isn't empty, or a provider is down; `down` (503) without
    the database."""
    try:
        checks.database_answers()
        workers, stats, down = checks.workers(), queue.stats(), checks.providers_down()
        firing = alerts.firing(stats, len(workers))
    except DATABASE_AWAY as error:
        return _down(error)
    idle_with_work = not workers and stats["queue"] > 0
    body = {
        "status": "degraded" if idle_with_work or down else "ok",
        "database": "ok",
        "workers": {
            "alive": len(workers),
            "seats": sum(worker["threads"] for worker in workers),
            "inFlight": sum(worker["in_flight"] for worker in workers),
        },
        "providersDown": [
            {"provider": each["provider"], "since": each["opened_at"]}
            for each in down  # why, is no stranger's business
        ],
        "queue": {
            "ready": stats["queue"],
            "limit": stats["queue_limit"],
            "delayed": stats["delayed"],
            "processing": stats["processing"],
            "oldestWaitingSeconds": stats["oldest_waiting_seconds"],
            "doneLastMinute": stats["done_last_minute"],
            "failedLastMinute": stats["failed_last_minute"],
        },
        "alerts": [asdict(alert) for alert in firing],
    }
    return JsonResponse(body)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus. Without the database there is nothing to tell, and the scrape itself fails."""
    try:
        workers, stats = checks.workers(), queue.stats()
        page = [
            *blogs_exposition.of_the_queue(stats),
            *exposition.of_workers(workers),
            *exposition.of_limits([limit for provider in _SHARED for limit in checks.limits(provider)]),
            blogs_exposition.of_alerts(alerts.firing(stats, len(workers))),
        ]
    except DATABASE_AWAY as error:
        return _down(error)
    return HttpResponse(exposition.text(page), content_type=exposition.CONTENT_TYPE)


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """This process answers; says nothing of the database."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def workers_alive(request: HttpRequest) -> JsonResponse:
    try:
        workers = checks.workers()
    except DATABASE_AWAY as error:
        return _down(error)
    body = {"status": "ok" if workers else "down", "workers": [_camel(worker) for worker in workers]}
    return JsonResponse(body, status=200 if workers else 503)


def openai_limits(request: HttpRequest) -> JsonResponse:
    return _limits(request, "openai")


def replicate_limits(request: HttpRequest) -> JsonResponse:
    return _limits(request, "replicate")


@require_safe
@never_cache
def _limits(request: HttpRequest, provider: str) -> JsonResponse:
    try:
        down = {each["provider"] for each in checks.providers_down()}
        body: dict[str, Any] = {
            "provider": provider,
            "breaker": "open" if provider in down else "closed",
            "windowSeconds": 60,
            "limits": checks.limits(provider),
        }
    except DATABASE_AWAY as error:
        return _down(error)
    return JsonResponse(body)


def _camel(worker: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": worker["name"],
        "seats": worker["threads"],
        "inFlight": worker["in_flight"],
        "done": worker["done"],
        "failed": worker["failed"],
        "stopping": worker["stopping"],
        "heartbeatAt": worker["heartbeat_at"],
        "waiting": worker["waiting"],
    }


def _down(error: Exception) -> JsonResponse:
    logger.error("database away", extra={"action": "outage", "error": type(error).__name__})
    answer = JsonResponse({"status": "down", "database": "unreachable"}, status=503)
    answer["Retry-After"] = "5"
    return answer
