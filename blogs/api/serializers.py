"""What is allowed in requests: the row's columns in camelCase."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from rest_framework import serializers

from blogs.api.incoming.fields import ChoiceField, LanguageField, ListField, MetadataField, PlainTextField, YesNoField
from blogs.api.incoming.moments import MomentField, ZoneField
from blogs.api.incoming.names import StrictSerializer
from blogs.models import (
    CATEGORIES_MAX,
    CATEGORY_MAX,
    INSTRUCTIONS_MAX,
    PRODUCT_ID_MAX,
    PRODUCTS_MAX,
    PROMPT_MAX,
    SOURCE_ID_MAX,
    Cover,
    Length,
    OnDuplicate,
    SourceType,
    Tone,
)
from blogs.profiles.settings import time_zone
from wix import languages
from wix.models import Site

_REASON_MAX = 200
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class BlogRequestSerializer(StrictSerializer):
    sourceType = ChoiceField(SourceType.choices, source="source_type")
    sourceId = PlainTextField(source="source_id", max_length=PROMPT_MAX)
    language = LanguageField(regex=languages.TAG, required=False, default="", max_length=languages.TAG_MAX)
    tone = ChoiceField(Tone.choices, default="")
    length = ChoiceField(Length.choices, default="")
    publish = YesNoField(default=False)
    scheduledAt = MomentField(source="scheduled_at", required=False, allow_null=True, default=None)
    publishAt = MomentField(source="publish_at", required=False, allow_null=True, default=None)
    timeZone = ZoneField(source="time_zone", required=False, default="")
    cover = ChoiceField(Cover.choices, default=Cover.GENERATED)
    categories = ListField(child=PlainTextField(max_length=CATEGORY_MAX), max_length=CATEGORIES_MAX, default=None)
    metadata = MetadataField(default=dict)
    productIds = ListField(
        source="product_ids",
        child=PlainTextField(max_length=PRODUCT_ID_MAX),
        max_length=PRODUCTS_MAX,
        default=list,
    )
    instructions = PlainTextField(max_length=INSTRUCTIONS_MAX, keeps_lines=True, allow_blank=True, default="")
    onDuplicate = ChoiceField(OnDuplicate.choices, source="on_duplicate", default=OnDuplicate.WARN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs |= _placed(self, attrs, "scheduledAt", "publishAt")
        if attrs["on_duplicate"] == OnDuplicate.WARN:
            attrs["on_duplicate"] = ""  # what is usual makes no row of details
        attrs["product_ids"] = list(dict.fromkeys(attrs["product_ids"]))
        publish_at, scheduled_at = attrs["publish_at"], attrs["scheduled_at"]
        if publish_at and not attrs["publish"]:
            raise _invalid("publishAt", "It needs publish: true; without, the post stays a draft.", "needs_publish")
        if publish_at and scheduled_at and publish_at < scheduled_at:
            raise _invalid("publishAt", "It is before scheduledAt, when the post is written.", "before_written")
        if attrs["source_type"] == SourceType.IDEA and not _NUMBER.fullmatch(attrs["source_id"]):
            raise _invalid("sourceId", "It must be the number of an idea, as GET /api/ideas lists it.", "invalid")
        if attrs["source_type"] != SourceType.PROMPT and len(attrs["source_id"]) > SOURCE_ID_MAX:
            message = f"At most {SOURCE_ID_MAX} characters; only a prompt may have {PROMPT_MAX}."
            raise _invalid("sourceId", message, "max_length")
        return attrs


def _invalid(field: str, message: str, code: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: serializers.ErrorDetail(message, code)})


def _placed(serializer: StrictSerializer, attrs: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the moments of these fields, local ones placed in the request's time zone, or else in the profile's.

    A zone alone would change nothing.
    """
    zone, moments = attrs["time_zone"], {}
    if not zone and any(_is_local(attrs[serializer.fields[name].source or name]) for name in names):
        zone = serializer.context.get("zone_of_the_shop", str)()
        moments["time_zone"] = zone
    for name in names:
        field = serializer.fields[name]
        assert isinstance(field, MomentField)
        assert field.source
        try:
            moments[field.source] = field.placed(attrs[field.source], zone)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({name: error.detail}) from None
    if zone and not any(attrs[serializer.fields[name].source or name] for name in names):
        raise _invalid("timeZone", f"It is of use only together with {' or '.join(names)}.", "needs_time")
    return moments


def of_shop(site: Site) -> dict[str, Callable[[], str]]:
    """Return the context in which serializers find the time zone of the shop's profile. One is looked for where it is needed."""
    return {"zone_of_the_shop": partial(time_zone, site)}


def _is_local(moment: datetime | None) -> bool:
    return moment is not None and moment.tzinfo is None


class ActSerializer(StrictSerializer):
    """What every act takes: why, for whom reads the blog's history."""

    reason = PlainTextField(max_length=_REASON_MAX, required=False, allow_blank=True, default="")


class RescheduleSerializer(StrictSerializer):
    scheduledAt = MomentField(source="scheduled_at", allow_null=True)
    timeZone = ZoneField(source="time_zone", required=False, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs | _placed(self, attrs, "scheduledAt")


class PutOffSerializer(ActSerializer):
    until = MomentField()
    timeZone = ZoneField(source="time_zone", required=False, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs | _placed(self, attrs, "until")
