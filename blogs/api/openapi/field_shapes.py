"""The schemas of our own fields of requests (`blogs.api.incoming`), which drf-spectacular can't read off them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from blogs.api.incoming.fields import MetadataField, PlainTextField


class _PlainText(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "blogs.api.incoming.fields.PlainTextField"
    match_subclasses = True
    priority = 1

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field: PlainTextField = self.target
        schema: dict[str, Any] = {"type": "string", "maxLength": field.max_length}
        if not field.allow_blank:
            schema |= {"minLength": 1, "pattern": "\\S"}
        return schema


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
        value = {"type": "string", "minLength": 1, "maxLength": MetadataField.value_max}
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
