"""Delivering webhooks to the real endpoint, and working them off as a worker does."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client

from blogs.site_events import handlers
from tests.sandbox import wix_webhooks
from wix.models import WebhookDelivery

T0 = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Killed(BaseException):
    """An end like SIGKILL's: no handler of ours catches it."""


def post(body: str | bytes, content_type: str = "text/plain", **extra: Any) -> Any:
    return Client(raise_request_exception=False).post("/wix/webhooks", body, content_type=content_type, **extra)


def deliver(event_type: str, instance_id: uuid.UUID, data: Any = None, *, at: float | None = None, **more: Any) -> Any:
    """`at`: when Wix signed it, in seconds after the first of them."""
    if at is not None:
        more |= {"iat": signed(at), "exp": None}
    answer = post(wix_webhooks.token(event_type, instance_id, data, **more))
    assert answer.status_code == 200, answer.content
    return answer


def signed(at: float) -> int:
    return int((datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)).timestamp() + at)


def deliver_and_work(event_type: str, instance_id: uuid.UUID, data: Any = None, **more: Any) -> str:
    """Return what came of the delivery."""
    deliver(event_type, instance_id, data, **more)
    return work_off()


def work_off() -> str:
    assert handlers.work_off() > 0
    done = WebhookDelivery.objects.filter(processed_at__isnull=False).order_by("-processed_at").first()
    return done.outcome if done else ""


def make_due() -> None:
    """Let all deliveries be due that are put off."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE wix_webhookdelivery SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")
