"""How the service is doing, for the first page of the support desk."""

from __future__ import annotations

from typing import Any

from django import template

from blogs import queue
from blogs.desk.base import span
from blogs.operations import alerts, health
from workers.pool import heartbeat

register = template.Library()


@register.simple_tag
def service_state() -> dict[str, Any]:
    stats, workers = queue.stats(), health.workers()
    return {
        **stats,
        "limit": f"{stats['queue_limit']:,}",
        "oldest": span(stats["oldest_waiting_seconds"]),
        "workers": len(workers),
        "seats": sum(worker["threads"] for worker in workers),
        "in_flight": sum(worker["in_flight"] for worker in workers),
        "limits": heartbeat.limiter_use(),
        "alerts": alerts.firing(stats, len(workers)),
        "idle_with_work": not workers and stats["queue"] > 0,
    }
