"""The shapes of the API's JSON: the row's columns in camelCase, and what is allowed in them."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.fields import empty

from blogs.models import (
    CATEGORIES_MAX,
    CATEGORY_MAX,
    PROMPT_MAX,
    SOURCE_ID_MAX,
    BlogGeneration,
    Cover,
    GenerationEvent,
    Length,
    SourceType,
    Status,
    Tone,
)
from blogs.queue.request import BlogRequest
from wix import languages, writing_systems

_FAR = timedelta(days=366)
# Signs that come along with words that were typed or copied: direction marks, zero-width spaces, byte order marks, soft hyphens.
_COME_ALONG = writing_systems.Invisible(writing_systems.INVISIBLE + writing_systems.BLANK)


class Bounded(serializers.Field[Any, Any, Any, Any]):
    """The base of all fields that are sent to us: refuses a value that is too long before anything reads it.

    64 KB of accents, joiners or brackets may take seconds to normalise or to search, and no other thread runs meanwhile.
    """

    raw_max = 100
    unreadable = too_long = "invalid"

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, list | dict):
            self.refuse(self.unreadable)
        if isinstance(data, str) and len(data) > self.raw_max:
            self.refuse(self.too_long)
        return super().run_validation(data)

    def refuse(self, code: str) -> None:
        """Fail with one of the field's own errors, and with all values that its words may name."""
        self.fail(code, max_length=getattr(self, "max_length", None), format="2026-12-24T09:00:00Z", input="")


class TextField(Bounded, serializers.CharField):
    """A text of at most `max_length` characters. With accents apart and spaces to spare it may come in four times as many."""

    too_long = "max_length"

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.raw_max = 4 * max_length


class LanguageField(TextField, serializers.RegexField):
    pass


class PlainTextField(TextField):
    """Trims a text, takes out what isn't seen and puts it into Unicode's composed form; refuses control characters."""

    default_error_messages = {
        "control": "Control characters are not allowed.",
        "marks": f"A letter may have {writing_systems.MARKS_MAX} accents.",
    }

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if any(map(_is_control, text)):
            self.fail("control")
        # Before the marks are counted: what isn't seen may stand between them.
        text = " ".join(_COME_ALONG.removed(text).split())
        if writing_systems.has_endless_marks(text):
            self.fail("marks")
        text = unicodedata.normalize("NFC", text)
        if not text.strip("\u200c\u200d "):
            self.fail("blank")
        return text


def _is_control(char: str) -> bool:
    """True for controls (Cc), lone surrogates (Cs), which no database takes, and what turns the direction of a text round."""
    if char in writing_systems.OVERRIDES:
        return True
    return unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\r\t"


class ListField(Bounded, serializers.ListField):
    """A list whose length is looked at before its items are."""

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.refuse("max_length")
        return serializers.ListField.run_validation(self, data)


class YesNoField(Bounded, serializers.BooleanField):
    pass


class ChoiceField(Bounded, serializers.ChoiceField):
    """Names the allowed values in its error. DRF's own message would repeat the refused value."""

    unreadable = too_long = "invalid_choice"

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        allowed = ", ".join(value for value, _ in choices)
        kwargs.setdefault("error_messages", {})["invalid_choice"] = f"Allowed: {allowed}."
        super().__init__(choices=choices, **kwargs)


class MomentField(Bounded, serializers.DateTimeField):
    """Takes a time with its offset, within a year; null means now."""

    default_error_messages = {
        "offset": "Say the offset: 2026-12-24T09:00:00+01:00, or Z for UTC.",
        "far": "This is more than a year away.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        if not re.search(r"(Z|[+-]\d\d:?\d\d)$", str(value), re.IGNORECASE):
            self.fail("offset")
        if moment > timezone.now() + _FAR:
            self.fail("far")
        return moment


class BlogRequestSerializer(serializers.Serializer[BlogRequest]):
    sourceType = ChoiceField(SourceType.choices, source="source_type")
    sourceId = PlainTextField(source="source_id", max_length=PROMPT_MAX)
    language = LanguageField(regex=languages.TAG, required=False, default="", max_length=languages.TAG_MAX)
    tone = ChoiceField(Tone.choices, default=Tone.FRIENDLY)
    length = ChoiceField(Length.choices, default=Length.MEDIUM)
    publish = YesNoField(default=False)
    scheduledAt = MomentField(source="scheduled_at", required=False, allow_null=True, default=None)
    publishAt = MomentField(source="publish_at", required=False, allow_null=True, default=None)
    cover = ChoiceField(Cover.choices, default=Cover.GENERATED)
    categories = ListField(child=PlainTextField(max_length=CATEGORY_MAX), max_length=CATEGORIES_MAX, default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        publish_at, scheduled_at = attrs["publish_at"], attrs["scheduled_at"]
        if publish_at and not attrs["publish"]:
            raise _invalid("publishAt", "It needs publish: true; without, the post stays a draft.", "needs_publish")
        if publish_at and scheduled_at and publish_at < scheduled_at:
            raise _invalid("publishAt", "It is before scheduledAt, when the post is written.", "before_written")
        if attrs["source_type"] != SourceType.PROMPT and len(attrs["source_id"]) > SOURCE_ID_MAX:
            message = f"At most {SOURCE_ID_MAX} characters; only a prompt may have {PROMPT_MAX}."
            raise _invalid("sourceId", message, "max_length")
        return attrs

    def blog_request(self) -> BlogRequest:
        return BlogRequest(**self.validated_data)


def _invalid(field: str, message: str, code: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: serializers.ErrorDetail(message, code)})


class RescheduleSerializer(serializers.Serializer[Any]):
    scheduledAt = MomentField(allow_null=True)


class BlogGenerationSerializer(serializers.ModelSerializer[BlogGeneration]):
    sourceType = serializers.CharField(source="source_type")
    sourceId = serializers.CharField(source="source_id")
    scheduledAt = serializers.DateTimeField(source="scheduled_at")
    publishAt = serializers.DateTimeField(source="publish_at")
    cancelRequested = serializers.SerializerMethodField()
    createdAt = serializers.DateTimeField(source="created_at")
    startedAt = serializers.DateTimeField(source="started_at")
    finishedAt = serializers.DateTimeField(source="finished_at")
    draftPostId = serializers.UUIDField(source="draft_post_id")
    draftPostUrl = serializers.CharField(source="draft_post_url")
    draftPostSlug = serializers.CharField(source="draft_post_slug")
    postUrl = serializers.CharField(source="post_url")
    error = serializers.SerializerMethodField()

    class Meta:
        model = BlogGeneration
        fields = [
            "id",
            "status",
            "stage",
            "attempts",
            "sourceType",
            "sourceId",
            "language",
            "tone",
            "length",
            "cover",
            "categories",
            "publish",
            "publishAt",
            "scheduledAt",
            "cancelRequested",
            "createdAt",
            "startedAt",
            "finishedAt",
            "draftPostId",
            "draftPostUrl",
            "draftPostSlug",
            "postUrl",
            "error",
        ]
        read_only_fields = fields

    def get_cancelRequested(self, generation: BlogGeneration) -> bool:
        return generation.cancel_requested_at is not None

    def get_error(self, generation: BlogGeneration) -> dict[str, str] | None:
        """Give the last error; while PENDING, it is why the blog is being tried again."""
        if not generation.error_code or generation.status == Status.DONE:
            return None
        return {"code": generation.error_code, "message": generation.error_message, "stage": generation.stage}


def warnings_of(generation: BlogGeneration) -> list[dict[str, str]]:
    """List what went wrong without keeping the blog from its draft."""
    events = generation.events.filter(kind=GenerationEvent.Kind.WARNING).order_by("id")
    return [{"stage": event.stage, "code": event.code, "message": event.message} for event in events]
