"""How the service is doing, for the first page of the support desk."""

from __future__ import annotations

from typing import Any

from django import template

from blogs.desk.base import span
from blogs.operations import health
from workers.pool import heartbeat

register = template.Library()


@register.simple_tag
def service_state() -> dict[str, Any]:
    service = health.service()
    return {
        **service.queue,
        "limit": f"{service.queue['queue_limit']:,}",
        "oldest": span(service.queue["oldest_waiting_seconds"]),
        "workers": len(service.workers),
        "seats": service.seats,
        "in_flight": service.in_flight,
        "limits": heartbeat.limiter_use(),
        "alerts": service.alerts,
        "idle_with_work": service.is_idle_with_work,
    }
