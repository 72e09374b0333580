"""Endpoints and messages as tests look at them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, outbox
from blogs.outgoing.endpoints import Made
from wix.models import Site


def endpoint(site: Site, url: str = "https://shop.example/hook", events: list[str] | None = None) -> Made:
    return endpoints.make(site, url=url, events=events or list(outbox.TYPES))


def told(site: Site) -> list[tuple[str, str]]:
    """List what the site's endpoints are to be told: type and code, in order."""
    messages = WebhookMessage.objects.filter(endpoint__site=site).order_by("id")
    return list(messages.values_list("type", "code"))


def all_due() -> None:
    """Let time pass for whatever waits for it."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookMessage.objects.filter(due_at__isnull=False).update(due_at=past)
    WebhookEndpoint.objects.filter(rests_until__isnull=False).update(rests_until=past)


def the(model: type[Any]) -> Any:
    return model.objects.get()
