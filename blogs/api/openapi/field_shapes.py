"""The schemas of our own fields of requests (`blogs.api.incoming`), which drf-spectacular can't read off them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from blogs.api.incoming.fields import MetadataField, PlainTextField

# For character classes, in a form that both JavaScript and Python read: controls and direction overrides, which are refused, and
# what shows nothing, of which alone no text may be.
_REFUSED = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202d\u202e"
_UNSEEN = (
    r"\t\n\r \u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164"
    r"\ufeff\uffa0\ufff9-\ufffb"
)
_TEXT = f"^[^{_REFUSED}]*$"
TEXT_THAT_SHOWS = f"^[^{_REFUSED}]*[^{_REFUSED}{_UNSEEN}][^{_REFUSED}]*$"


class _PlainText(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "blogs.api.incoming.fields.PlainTextField"
    match_subclasses = True
    priority = 1

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field: PlainTextField = self.target
        if field.allow_blank:
            return {"type": "string", "maxLength": field.max_length, "pattern": _TEXT}
        return {"type": "string", "minLength": 1, "maxLength": field.max_length, "pattern": TEXT_THAT_SHOWS}


class _Moment(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "blogs.api.incoming.moments.MomentField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        about = "A time with its offset, within a year; or one without, by the clocks of `timeZone`."
        return {"type": "string", "format": "date-time", "description": about}


class _Zone(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "blogs.api.incoming.moments.ZoneField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        about = "A time zone of the IANA database, by whose clocks local times of this request are meant."
        return {"type": "string", "format": "iana-time-zone", "examples": ["Europe/Berlin"], "description": about}


class _Metadata(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "blogs.api.incoming.fields.MetadataField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        value = {"type": "string", "minLength": 1, "maxLength": MetadataField.value_max, "pattern": _TEXT}
        return {
            "type": "object",
            "maxProperties": MetadataField.pairs_max,
            "propertyNames": {"pattern": f"^[A-Za-z0-9_.-]{{1,{MetadataField.key_max}}}$"},
            "additionalProperties": value,
        }


class _Address(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "blogs.api.outgoing.fields.AddressField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        about = "An https address of the public internet, with port 443 or 8443."
        longest: int = self.target.max_length
        return {"type": "string", "format": "uri", "pattern": "^https://", "maxLength": longest, "description": about}
