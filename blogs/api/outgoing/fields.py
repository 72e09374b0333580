"""What is allowed in requests about webhook endpoints, and the shapes in which endpoints and messages are shown."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from blogs.api.incoming.fields import ChoiceField, ListField, PlainTextField, TextField, YesNoField
from blogs.api.incoming.names import StrictSerializer
from blogs.models import DESCRIPTION_MAX, URL_MAX, WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints, outbox
from workers.outbound.strangers import Refused

_TYPES = [(name, name) for name in outbox.TYPES]


class AddressField(TextField):
    """An https address of the public internet. Where its name leads is looked at each time something is sent there."""

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            endpoints.require_public(text)
        except Refused as refused:
            raise serializers.ValidationError(refused.message, "address_refused") from None
        return text


class EndpointSerializer(StrictSerializer):
    url = AddressField(max_length=URL_MAX)
    events = ListField(
        child=ChoiceField(_TYPES), max_length=len(_TYPES), allow_empty=False, default=lambda: list(outbox.TYPES)
    )
    description = PlainTextField(max_length=DESCRIPTION_MAX, allow_blank=True, default="")

    def validate_events(self, events: list[str]) -> list[str]:
        return list(dict.fromkeys(events))


class ChangeSerializer(EndpointSerializer):
    enabled = YesNoField(required=False)


class NothingSerializer(StrictSerializer):
    """For acts that take no field."""


def endpoint_shown(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Show an endpoint, without its secret."""
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "enabled": endpoint.off_at is None,
        "disabledAt": endpoint.off_at,
        "disabledReason": endpoint.off_why or None,
        "failures": endpoint.failures,
        "failingSince": endpoint.failing_since,
        "lastDeliveredAt": endpoint.delivered_at,
        "oldSecretUntil": endpoint.old_secret_until,
        "createdAt": endpoint.created_at,
    }


def message_shown(message: WebhookMessage) -> dict[str, Any]:
    return {
        "id": message.pk,
        "webhookId": message.webhook_id,
        "type": message.type,
        "blogId": message.generation_id,
        "status": message.state,
        "attempts": message.attempts,
        "nextAttemptAt": message.due_at,
        "lastAttemptAt": message.tried_at,
        "answerStatus": message.answer_status,
        "answer": message.answer or None,
        "tookMs": message.took_ms,
        "createdAt": message.created_at,
    }
