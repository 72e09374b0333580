"""The fields that only a blog which is shown by itself has."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from blogs.api import quality
from blogs.api.shown.row import BlogSerializer
from blogs.models import BlogGeneration, GenerationEvent, PostOrder, Status
from blogs.queue import history
from workers.database.outage import DATABASE_AWAY


class PublishFailureSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class PublishingSerializer(serializers.Serializer[Any]):
    askedAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField(allow_null=True, help_text="null while it is under way")
    error = PublishFailureSerializer(allow_null=True)


class WarningSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class BlogAlone(BlogSerializer):
    """The shape in which `described` shows a blog. Only the document uses it."""

    article = serializers.URLField(allow_null=True, help_text="the address of its text, once it is DONE")
    publishing = PublishingSerializer(allow_null=True, help_text="what became of the last wish to publish it")
    quality = quality.QualitySerializer(allow_null=True, help_text="what was found in its article")
    warnings = WarningSerializer(many=True, help_text="what a DONE blog lacks, such as its picture")

    class Meta(BlogSerializer.Meta):
        fields = [*BlogSerializer.Meta.fields, "article", "publishing", "quality", "warnings"]


def publishing(generation: BlogGeneration) -> dict[str, Any] | None:
    """Tell what became of the last wish to publish a DONE blog's draft; None where there was none."""
    if generation.status != Status.DONE:
        return None
    order = generation.post_orders.filter(kind=PostOrder.Kind.PUBLISH).order_by("-id").first()
    if order is None:
        return None
    failed = {"code": order.code, "message": order.result} if order.code else None
    return {"askedAt": order.created_at, "endedAt": order.ended_at, "error": failed}


def warnings_of(generation: BlogGeneration) -> list[dict[str, str]]:
    """List what went wrong without keeping the blog from its draft, and was not mended since."""
    try:
        telling = (GenerationEvent.Kind.WARNING, *history.MENDED)
        events = history.warnings_that_hold(generation.events.filter(kind__in=telling).order_by("-id"))
    except DATABASE_AWAY:
        return []
    return [{"stage": event.stage, "code": event.code, "message": event.message} for event in reversed(events)]
