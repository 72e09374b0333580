"""Health, metrics and limits, for operators and load balancers: they show no site's data.

Strangers see no more than how it is, unless `OPERATIONS_OPEN` is set, as it is in development. Operators bring `OPERATIONS_TOKEN`,
or come from one of `OPERATIONS_NETWORKS`.
"""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg2.errors import ReadOnlySqlTransaction

from blogs.operations import health as reading
from blogs.operations import metrics as numbers
from blogs.operations import operators
from blogs.preflight import ready as preflight
from blogs.preflight.faults import failing
from workers.database.outage import DATABASE_AWAY, exhausted_lately

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer `ok`, `degraded` or `down`.

    `degraded` (still 200): blogs wait and no worker is alive, a provider is down, a worker's release is broken, this process has a
    fault that `preflight` knows, or the database has lately refused statements because its disk, memory or connections are used up.
    `down` (503): the database is away, or takes no writes.
    """
    try:
        reading.database_serves()
        service = reading.service()
        faults = failing(preflight.faults())
    except DATABASE_AWAY as error:
        return _down(error)
    stats = service.queue
    exhausted = exhausted_lately()
    hindered = exhausted or faults or service.is_idle_with_work or service.providers_down or service.broken
    status = "degraded" if hindered else "ok"
    if not operators.may_see(request):
        return JsonResponse({"status": status})
    body = {
        "status": status,
        "faults": faults,
        "database": "exhausted" if exhausted else "ok",
        "workers": {"alive": len(service.workers), "seats": service.seats, "inFlight": service.in_flight},
        "providersDown": [
            {"provider": each["provider"], "since": each["opened_at"]}
            for each in service.providers_down  # the reason is no stranger's business
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
        "alerts": [
            {"name": alert.name, "severity": alert.severity, "message": alert.message} for alert in service.alerts
        ],
    }
    return JsonResponse(body)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape of Prometheus. Without the database there are no numbers, so the scrape itself fails.

    Raises NotAnOperator.
    """
    if not operators.may_see(request):
        raise operators.NotAnOperator
    try:
        return HttpResponse(numbers.page(), content_type=numbers.CONTENT_TYPE)
    except DATABASE_AWAY as error:
        return _down(error)


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Say that this process answers, whatever the database does."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Say whether this process can do its work now, and if not, name the faults. Their details are in its log."""
    found = failing(preflight.faults())
    answer = JsonResponse({"status": "failing" if found else "ok", "faults": found}, status=503 if found else 200)
    if found:
        answer["Retry-After"] = "5"
    return answer


@require_safe
@never_cache
def workers_alive(request: HttpRequest) -> JsonResponse:
    try:
        workers = reading.workers()
    except DATABASE_AWAY as error:
        return _down(error)
    body: dict[str, Any] = {"status": "ok" if workers else "down"}
    if operators.may_see(request):
        body["workers"] = [_camel(worker) for worker in workers]
    return JsonResponse(body, status=200 if workers else 503)


def openai_limits(request: HttpRequest) -> JsonResponse:
    return _limits(request, "openai")


def replicate_limits(request: HttpRequest) -> JsonResponse:
    return _limits(request, "replicate")


@require_safe
@never_cache
def _limits(request: HttpRequest, provider: str) -> JsonResponse:
    try:
        down = {each["provider"] for each in reading.providers_down()}
        body: dict[str, Any] = {
            "provider": provider,
            "breaker": "open" if provider in down else "closed",
            "windowSeconds": 60,
            "limits": reading.limits(provider),
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
        "release": worker["release"],
        "brokenAt": worker["broken_at"],
        "brokenWhere": worker["broken_where"],
        "waiting": worker["waiting"],
    }


def _down(error: Exception) -> JsonResponse:
    logger.error("database away", extra={"action": "outage", "error": type(error).__name__})
    how = "read-only" if isinstance(error.__cause__, ReadOnlySqlTransaction) else "unreachable"
    answer = JsonResponse({"status": "down", "database": how}, status=503)
    answer["Retry-After"] = "5"
    return answer
