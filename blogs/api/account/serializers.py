"""What is allowed in requests about a site itself."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from blogs.api.incoming.fields import ChoiceField, LanguageField, ListField, PlainTextField, WholeNumberField
from blogs.api.incoming.moments import ZoneField
from blogs.api.incoming.names import StrictSerializer
from blogs.models import ABOUT_MAX, CATEGORIES_MAX, CATEGORY_MAX, Length, Tone
from blogs.models import profile as bounds
from wix import languages
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


class IdeaOrderSerializer(StrictSerializer):
    about = PlainTextField(max_length=ABOUT_MAX, required=False, allow_blank=True, default="")
    language = LanguageField(regex=languages.TAG, required=False, default="", max_length=languages.TAG_MAX)
    length = ChoiceField(Length.choices, required=False, default="")


# A setting that is left out, or null.
_OPEN: dict[str, Any] = {"required": False, "allow_null": True}


def _list(name: str, longest: int, most: int) -> ListField:
    return ListField(source=name, child=PlainTextField(max_length=longest), max_length=most, **_OPEN)


class ProfileSerializer(StrictSerializer):
    """Takes any of the profile's settings. null leaves one open: then Wix's counts, or the installation's."""

    brand = PlainTextField(max_length=bounds.BRAND_MAX, allow_blank=True, **_OPEN)
    sells = PlainTextField(max_length=bounds.SELLS_MAX, allow_blank=True, keeps_lines=True, **_OPEN)
    audience = PlainTextField(max_length=bounds.AUDIENCE_MAX, allow_blank=True, **_OPEN)
    voice = PlainTextField(max_length=bounds.VOICE_MAX, allow_blank=True, keeps_lines=True, **_OPEN)
    bannedWords = _list("banned_words", bounds.TERM_MAX, bounds.TERMS_MAX)
    bannedClaims = _list("banned_claims", bounds.CLAIM_MAX, bounds.CLAIMS_MAX)
    competitors = ListField(child=PlainTextField(max_length=bounds.TERM_MAX), max_length=bounds.TERMS_MAX, **_OPEN)
    language = LanguageField(regex=languages.TAG, max_length=languages.TAG_MAX, **_OPEN)
    tone = ChoiceField(Tone.choices, **_OPEN)
    length = ChoiceField(Length.choices, **_OPEN)
    categories = ListField(child=PlainTextField(max_length=CATEGORY_MAX), max_length=CATEGORIES_MAX, **_OPEN)
    timeZone = ZoneField(source="time_zone", **_OPEN)
    disclosure = PlainTextField(max_length=bounds.DISCLOSURE_MAX, allow_blank=True, **_OPEN)
    qualityThreshold = WholeNumberField(source="quality_threshold", min_value=0, max_value=100, **_OPEN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: _once(value) if isinstance(value, list) else value for name, value in attrs.items()}


class ProfileShown(serializers.Serializer[Any]):
    """The shape in which a profile is shown: every setting as it counts."""

    version = serializers.IntegerField(help_text="0: the site has told nothing yet")
    updatedAt = serializers.DateTimeField(allow_null=True)
    updatedBy = serializers.CharField(allow_null=True)
    brand = serializers.CharField(allow_null=True)
    sells = serializers.CharField(allow_null=True)
    audience = serializers.CharField(allow_null=True)
    voice = serializers.CharField(allow_null=True)
    bannedWords = serializers.ListField(child=serializers.CharField(), allow_null=True)
    bannedClaims = serializers.ListField(child=serializers.CharField(), allow_null=True)
    competitors = serializers.ListField(child=serializers.CharField(), allow_null=True)
    language = serializers.CharField(allow_null=True)
    tone = serializers.CharField(allow_null=True)
    length = serializers.CharField(allow_null=True)
    categories = serializers.ListField(child=serializers.CharField(), allow_null=True)
    timeZone = serializers.CharField(allow_null=True)
    disclosure = serializers.CharField(allow_null=True)
    qualityThreshold = serializers.IntegerField(allow_null=True)
    fromWix = serializers.ListField(child=serializers.CharField(), help_text="which of them are as Wix says")


PROFILE: dict[str, Any] = {
    "version": 3,
    "updatedAt": "2026-11-28T13:04:02.118409Z",
    "updatedBy": "the shop",
    "brand": "Harbour Coffee",
    "sells": "coffee, beans and brewing gear",
    "audience": "people who brew at home",
    "voice": "warm and plain",
    "bannedWords": ["cheap"],
    "bannedClaims": [],
    "competitors": [],
    "language": "en",
    "tone": "friendly",
    "length": "medium",
    "categories": ["Brewing"],
    "timeZone": "Europe/Berlin",
    "disclosure": "",
    "qualityThreshold": None,
    "fromWix": ["language"],
}


def _once(texts: list[str]) -> list[str]:
    """Leave out what stands there twice. Capitals make no difference."""
    return list({text.casefold(): text for text in reversed(texts)}.values())[::-1]


class KeyShown(serializers.Serializer[Any]):
    """The shape in which a key is shown."""

    id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    begins = serializers.CharField(help_text="how it begins, to tell it apart from the others")
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True)
    rotatedAt = serializers.DateTimeField(allow_null=True, help_text="when a key was made in its place; null: none was")


class KeyMade(KeyShown):
    key = serializers.CharField(help_text="the key itself, which no other answer has")


class KeyList(serializers.Serializer[Any]):
    results = KeyShown(many=True)


KEY: dict[str, Any] = {
    "id": 5,
    "label": "orders' server",
    "begins": "blog_mQ3v",
    "createdAt": "2026-11-28T13:04:02.118409Z",
    "expiresAt": "2027-11-28T13:04:02.118409Z",
    "lastUsedAt": None,
    "rotatedAt": None,
}
