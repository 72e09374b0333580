"""What is allowed in requests about a site itself."""

from __future__ import annotations

from blogs.api.incoming.fields import PlainTextField, WholeNumberField
from blogs.api.incoming.names import StrictSerializer
from wix.identity import api_keys

_LABEL_MAX = 100
_OVERLAP_HOURS = 24
_OVERLAP_HOURS_MAX = 7 * 24


class KeySerializer(StrictSerializer):
    label = PlainTextField(max_length=_LABEL_MAX)  # type: ignore[assignment]
    expiresInDays = WholeNumberField(
        source="days", min_value=1, max_value=api_keys.DAYS_MAX, allow_null=True, default=None
    )


class LabelSerializer(StrictSerializer):
    label = PlainTextField(max_length=_LABEL_MAX)  # type: ignore[assignment]


class RotationSerializer(StrictSerializer):
    overlapHours = WholeNumberField(
        source="overlap_hours", min_value=0, max_value=_OVERLAP_HOURS_MAX, default=_OVERLAP_HOURS
    )
