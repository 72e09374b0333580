"""The one shape in which the API shows a blog: in the list, alone, and after each move.

A blog that is shown alone also has its `article`'s address, its `quality` and `warnings`, and what becomes of `publishing` it
later.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from blogs.api import quality
from blogs.api.incoming.moments import shown_in
from blogs.api.openapi.documenting import number_in_path, page_of
from blogs.api.possible import acts_possible
from blogs.models import BlogGeneration, GenerationEvent, OnDuplicate, PostOrder, Stage, Status
from blogs.queue import forecast, history
from blogs.queue.forecast import Estimate, Range, promises
from blogs.queue.request import details_of
from credits import ledger
from workers.database.outage import DATABASE_AWAY


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a blog beside its row. All None while the database is away: the blog is stored, and must be answered."""

    position: int | None = None
    wait: int | None = None
    held: int | None = None
    changed_at: datetime | None = None
    start: Range | None = None
    end: Range | None = None
    waits_for: str = ""


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
        return acts_possible(generation)

    @extend_schema_field(serializers.DateTimeField)
    def get_updatedAt(self, generation: BlogGeneration) -> Any:
        changed = self._facts(generation).changed_at or generation.created_at
        return serializers.DateTimeField().to_representation(changed)

    def get_error(self, generation: BlogGeneration) -> Failure | None:
        """Give the last error; while PENDING, it is why the blog is being tried again."""
        if not generation.error_code or generation.status == Status.DONE:
            return None
        return {"code": generation.error_code, "message": generation.error_message, "stage": generation.stage}


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


BlogPage = page_of(BlogSerializer, "BlogPage")
BLOG_IN_PATH = number_in_path("id", "the blog's number")
_ITS_NUMBER = {"parameters": {"id": "$response.body#/id"}}
# What may be done next with a blog that an answer shows.
LINKS = {
    name: {"operationId": operation, **_ITS_NUMBER}
    for name, operation in {
        "read": "readBlog",
        "article": "readArticle",
        "cancel": "cancelBlog",
        "reschedule": "rescheduleBlog",
        "putOff": "putOffBlog",
        "retry": "retryBlog",
        "publish": "publishBlog",
        "repair": "repairBlog",
        "rewrite": "rewriteBlog",
    }.items()
}


def listed(generations: Sequence[BlogGeneration]) -> list[dict[str, Any]]:
    _mine.facts.clear()
    _mine.facts.update(facts_of(generations))
    return [_mine.serializer.to_representation(each) for each in generations]


class _Mine(threading.local):
    """A thread's own serializer: making its fields costs more than showing a blog."""

    def __init__(self) -> None:
        self.facts: dict[int, Facts] = {}
        self.serializer = BlogSerializer(context={"facts": self.facts})


_mine = _Mine()


def described(generation: BlogGeneration, request: Request) -> dict[str, Any]:
    """Describe a blog by itself."""
    return {
        **listed([generation])[0],
        "article": article_address(generation, request),
        "publishing": _publishing(generation),
        "quality": None if generation.is_new else quality.of(generation),
        "warnings": [] if generation.is_new else _warnings_of(generation),
    }


def article_address(generation: BlogGeneration, request: Request) -> str | None:
    """Return where the article can be read: a blog that is DONE has one, and has been paid for."""
    if generation.status != Status.DONE:
        return None
    return reverse("blog-generation-article", args=[generation.pk], request=request)


def facts_of(generations: Sequence[BlogGeneration]) -> dict[int, Facts]:
    """Look up the facts of blogs of one site, in as many statements as one blog takes.

    An error of a database that has just gone away would have a stored blog asked for twice, so there are no facts then.
    """
    ids = [each.pk for each in generations if not each.is_new]
    unfinished = [each.pk for each in generations if not each.is_finished and not each.is_new]
    try:
        held = ledger.held_for_each(unfinished)
        held |= {each.pk: settings.BLOG_CREDITS for each in generations if each.is_new}
        changed = history.last_changes(ids) if ids else {}
        found = forecast.estimates(generations, changed)
        for each in generations:
            if each.is_new and each.pk in found:
                promises.note(each, found[each.pk])
    except DATABASE_AWAY:
        return {each.pk: Facts(held=0 if each.is_finished else None) for each in generations}
    return {
        each.pk: _facts(found.get(each.pk, Estimate()), held.get(each.pk, 0), changed.get(each.pk))
        for each in generations
    }


def _facts(estimate: Estimate, held: int, changed_at: datetime | None) -> Facts:
    wait = None if estimate.wait is None else round(estimate.wait)
    return Facts(estimate.position, wait, held, changed_at, estimate.start, estimate.end, estimate.waits_for)


def _range(told: Range | None) -> Span | None:
    """Show whole seconds, outwards: more would promise more than anyone knows."""
    if told is None:
        return None
    show = serializers.DateTimeField().to_representation
    late = told.late + timedelta(seconds=0.999999)
    return cast(Span, {"early": show(told.early.replace(microsecond=0)), "late": show(late.replace(microsecond=0))})


def _publishing(generation: BlogGeneration) -> dict[str, Any] | None:
    """Tell what became of the last wish to publish a DONE blog's draft; None where there was none."""
    if generation.status != Status.DONE:
        return None
    order = generation.post_orders.filter(kind=PostOrder.Kind.PUBLISH).order_by("-id").first()
    if order is None:
        return None
    failed = {"code": order.code, "message": order.result} if order.code else None
    return {"askedAt": order.created_at, "endedAt": order.ended_at, "error": failed}


def _warnings_of(generation: BlogGeneration) -> list[dict[str, str]]:
    """List what went wrong without keeping the blog from its draft, and was not mended since."""
    try:
        telling = (GenerationEvent.Kind.WARNING, *history.MENDED)
        events = history.warnings_that_hold(generation.events.filter(kind__in=telling).order_by("-id"))
    except DATABASE_AWAY:
        return []
    return [{"stage": event.stage, "code": event.code, "message": event.message} for event in reversed(events)]
