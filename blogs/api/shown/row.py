"""The fields of a blog that are shown everywhere: in the list, alone, and after each act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from blogs.api.incoming.moments import shown_in
from blogs.api.possible import acts_possible
from blogs.api.shown.facts import Facts
from blogs.models import BlogGeneration, OnDuplicate, Stage, Status
from blogs.queue.forecast import Range
from blogs.queue.request import details_of


class Progress(TypedDict):
    stage: int
    of: int


class Span(TypedDict):
    early: datetime
    late: datetime


class Failure(TypedDict):
    code: str
    message: str
    stage: str


class BlogSerializer(serializers.ModelSerializer[BlogGeneration]):
    """Shows a blog's row together with its `Facts`, which the context holds by the blog's number."""

    sourceType = serializers.CharField(source="source_type")
    sourceId = serializers.CharField(source="source_id")
    scheduledAt = serializers.DateTimeField(source="scheduled_at", allow_null=True)
    publishAt = serializers.DateTimeField(source="publish_at", allow_null=True)
    timeZone = serializers.SerializerMethodField()
    scheduledAtLocal = serializers.SerializerMethodField()
    publishAtLocal = serializers.SerializerMethodField()
    metadata = serializers.SerializerMethodField()
    productIds = serializers.SerializerMethodField()
    instructions = serializers.SerializerMethodField()
    onDuplicate = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    queuePosition = serializers.SerializerMethodField()
    estimatedWaitSeconds = serializers.SerializerMethodField()
    estimatedStart = serializers.SerializerMethodField()
    estimatedEnd = serializers.SerializerMethodField()
    waitsFor = serializers.SerializerMethodField()
    creditsHeld = serializers.SerializerMethodField()
    cancelRequested = serializers.SerializerMethodField()
    possible = serializers.SerializerMethodField()
    createdAt = serializers.DateTimeField(source="created_at")
    startedAt = serializers.DateTimeField(source="started_at", allow_null=True)
    finishedAt = serializers.DateTimeField(source="finished_at", allow_null=True)
    updatedAt = serializers.SerializerMethodField()
    draftPostId = serializers.UUIDField(source="draft_post_id", allow_null=True)
    draftPostUrl = serializers.CharField(source="draft_post_url")
    draftPostSlug = serializers.CharField(source="draft_post_slug")
    postUrl = serializers.CharField(source="post_url")
    needsReview = serializers.BooleanField(source="needs_review")
    error = serializers.SerializerMethodField()

    class Meta:
        model = BlogGeneration
        fields = [
            "id",
            "status",
            "stage",
            "progress",
            "attempts",
            "queuePosition",
            "estimatedWaitSeconds",
            "estimatedStart",
            "estimatedEnd",
            "waitsFor",
            "creditsHeld",
            "sourceType",
            "sourceId",
            "language",
            "tone",
            "length",
            "cover",
            "categories",
            "metadata",
            "productIds",
            "instructions",
            "onDuplicate",
            "publish",
            "publishAt",
            "publishAtLocal",
            "scheduledAt",
            "scheduledAtLocal",
            "timeZone",
            "cancelRequested",
            "possible",
            "createdAt",
            "startedAt",
            "finishedAt",
            "updatedAt",
            "draftPostId",
            "draftPostUrl",
            "draftPostSlug",
            "postUrl",
            "needsReview",
            "error",
        ]
        read_only_fields = fields

    def _facts(self, generation: BlogGeneration) -> Facts:
        facts: Mapping[int, Facts] = self.context["facts"]
        return facts.get(generation.pk, Facts())

    def get_timeZone(self, generation: BlogGeneration) -> str | None:
        return details_of(generation).time_zone or None

    def get_scheduledAtLocal(self, generation: BlogGeneration) -> str | None:
        return shown_in(generation.scheduled_at, details_of(generation).time_zone)

    def get_publishAtLocal(self, generation: BlogGeneration) -> str | None:
        return shown_in(generation.publish_at, details_of(generation).time_zone)

    def get_metadata(self, generation: BlogGeneration) -> dict[str, str]:
        return dict(details_of(generation).metadata)

    def get_productIds(self, generation: BlogGeneration) -> list[str]:
        return list(details_of(generation).product_ids)

    def get_onDuplicate(self, generation: BlogGeneration) -> str:
        return details_of(generation).on_duplicate or OnDuplicate.WARN

    def get_instructions(self, generation: BlogGeneration) -> str:
        return details_of(generation).instructions

    def get_progress(self, generation: BlogGeneration) -> Progress:
        """Count the stages: the one that runs, or runs next, and how many there are. A DONE blog is at its last."""
        stages = [stage for stage in Stage if generation.publish or stage != Stage.PUBLISH]
        is_over = generation.status == Status.DONE or generation.stage not in stages
        return {"stage": len(stages) if is_over else 1 + stages.index(Stage(generation.stage)), "of": len(stages)}

    def get_queuePosition(self, generation: BlogGeneration) -> int | None:
        return self._facts(generation).position

    def get_estimatedWaitSeconds(self, generation: BlogGeneration) -> int | None:
        return self._facts(generation).wait

    def get_estimatedStart(self, generation: BlogGeneration) -> Span | None:
        return _range(self._facts(generation).start)

    def get_estimatedEnd(self, generation: BlogGeneration) -> Span | None:
        return _range(self._facts(generation).end)

    def get_waitsFor(self, generation: BlogGeneration) -> str | None:
        return self._facts(generation).waits_for or None

    def get_creditsHeld(self, generation: BlogGeneration) -> int | None:
        return self._facts(generation).held

    def get_cancelRequested(self, generation: BlogGeneration) -> bool:
        return generation.cancel_requested_at is not None

    def get_possible(self, generation: BlogGeneration) -> list[str]:
        return acts_possible(generation, self._facts(generation).past)

    @extend_schema_field(serializers.DateTimeField)
    def get_updatedAt(self, generation: BlogGeneration) -> Any:
        changed = self._facts(generation).changed_at or generation.created_at
        return serializers.DateTimeField().to_representation(changed)

    def get_error(self, generation: BlogGeneration) -> Failure | None:
        """Give the last error; while PENDING, it is why the blog is being tried again."""
        if not generation.error_code or generation.status == Status.DONE:
            return None
        return {"code": generation.error_code, "message": generation.error_message, "stage": generation.stage}


def _range(told: Range | None) -> Span | None:
    """Show whole seconds, outwards: more would promise more than anyone knows."""
    if told is None:
        return None
    show = serializers.DateTimeField().to_representation
    late = told.late + timedelta(seconds=0.999999)
    return cast(Span, {"early": show(told.early.replace(microsecond=0)), "late": show(late.replace(microsecond=0))})
