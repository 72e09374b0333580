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
        child=ChoiceField(_TYPES),
        min_length=1,
        max_length=len(_TYPES),
        allow_empty=False,
        default=lambda: list(outbox.TYPES),
    )
    description = PlainTextField(max_length=DESCRIPTION_MAX, allow_blank=True, default="")

    def validate_events(self, events: list[str]) -> list[str]:
        return list(dict.fromkeys(events))


class ChangeSerializer(EndpointSerializer):
    url = AddressField(max_length=URL_MAX, required=False)
    enabled = YesNoField(required=False)


class NothingSerializer(StrictSerializer):
    """Takes the body of an act, which has no field."""


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


class EndpointShown(serializers.Serializer[Any]):
    """The shape in which `endpoint_shown` shows an endpoint."""

    id = serializers.IntegerField()
    url = serializers.URLField()
    events = serializers.ListField(child=serializers.ChoiceField(_TYPES))
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    disabledAt = serializers.DateTimeField(allow_null=True)
    disabledReason = serializers.CharField(allow_null=True)
    failures = serializers.IntegerField(help_text="how many in a row")
    failingSince = serializers.DateTimeField(allow_null=True)
    lastDeliveredAt = serializers.DateTimeField(allow_null=True)
    oldSecretUntil = serializers.DateTimeField(allow_null=True, help_text="until then the old secret signs too")
    createdAt = serializers.DateTimeField()


class EndpointWithSecret(EndpointShown):
    secret = serializers.CharField(help_text="what its messages are signed with; it stands in this answer alone")


class EndpointList(serializers.Serializer[Any]):
    results = EndpointShown(many=True)


class DeliveryShown(serializers.Serializer[Any]):
    """The shape in which `message_shown` shows a message."""

    id = serializers.IntegerField()
    webhookId = serializers.CharField(help_text="the header webhook-id of each sending")
    type = serializers.CharField()
    blogId = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(WebhookMessage.State.choices)
    attempts = serializers.IntegerField()
    nextAttemptAt = serializers.DateTimeField(allow_null=True)
    lastAttemptAt = serializers.DateTimeField(allow_null=True)
    answerStatus = serializers.IntegerField(allow_null=True)
    answer = serializers.CharField(allow_null=True, help_text="how the receiver's answer began, or what kept it away")
    tookMs = serializers.IntegerField(allow_null=True)
    createdAt = serializers.DateTimeField()


ENDPOINT: dict[str, Any] = {
    "id": 3,
    "url": "https://shop.example/hooks",
    "events": ["blog.completed", "blog.failed"],
    "description": "",
    "enabled": True,
    "disabledAt": None,
    "disabledReason": None,
    "failures": 0,
    "failingSince": None,
    "lastDeliveredAt": None,
    "oldSecretUntil": None,
    "createdAt": "2026-11-28T13:04:02.118409Z",
}
DELIVERY: dict[str, Any] = {
    "id": 9,
    "webhookId": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    "type": "webhook.test",
    "blogId": None,
    "status": "waiting",
    "attempts": 0,
    "nextAttemptAt": "2026-11-28T13:04:02.118409Z",
    "lastAttemptAt": None,
    "answerStatus": None,
    "answer": None,
    "tookMs": None,
    "createdAt": "2026-11-28T13:04:02.118409Z",
}
