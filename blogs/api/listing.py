"""Which of a site's blogs are listed, and in which pages: newest first, each page from where the one before ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from blogs.api.incoming.fields import MetadataField, PlainTextField
from blogs.api.incoming.moments import read
from blogs.api.openapi.documenting import CURSOR, LIMIT, NUMBER_MAX, parameter
from blogs.api.openapi.field_shapes import TEXT_THAT_SHOWS
from blogs.models import BlogGeneration, GenerationEvent, RequestDetails, Status

IDS_MAX = 100
_LIMIT_MAX = 100
_WORDS_MAX = 100
NUMBER = re.compile(r"[0-9]{1,18}")

Blogs = QuerySet[BlogGeneration]


class NewestFirst(CursorPagination):
    """Pages by id alone: ids are unique, and the newest rows have the highest."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = _LIMIT_MAX

    def get_page_size(self, request: Request) -> int | None:
        sent = request.query_params.get("limit")
        if sent is None:
            return self.page_size
        if not (NUMBER.fullmatch(sent) and 1 <= int(sent) <= _LIMIT_MAX):
            raise _invalid("limit", f"It must be a number from 1 to {_LIMIT_MAX}.")
        return int(sent)

    def decode_cursor(self, request: Request) -> Any:
        """Answer 400 to a cursor that we never gave out."""
        try:
            cursor = super().decode_cursor(request)
        except (NotFound, ValueError):
            raise _invalid("cursor", _NO_CURSOR) from None
        given = request.query_params.get("cursor")
        if given is not None and (cursor is None or cursor.offset or not NUMBER.fullmatch(str(cursor.position))):
            raise _invalid("cursor", _NO_CURSOR)
        return cursor


_NO_CURSOR = "Take it from `next` or `previous` of another page, as it stands there."


def listed_blogs(blogs: Blogs, request: Request) -> Blogs:
    """Return those that the query's filters leave. Raises ValidationError, which names every filter that can't be read."""
    wrong: dict[str, Any] = {}
    for name, narrow in FILTERS.items():
        values = request.query_params.getlist(name)
        try:
            blogs = narrow(blogs, values) if values else blogs
        except ValidationError as error:
            wrong[name] = error.detail
    if wrong:
        raise ValidationError(wrong)
    return blogs


def _of_status(blogs: Blogs, values: list[str]) -> Blogs:
    wanted = list(_parts(values))
    if unknown := [status for status in wanted if status not in Status.values] or not wanted:
        shown = (
            f'"{unknown[0][:40]}" is not allowed. ' if isinstance(unknown, list) and unknown[0].isprintable() else ""
        )
        raise _refused(f"{shown}Allowed: {', '.join(Status.values)}.")
    return blogs.filter(status__in=wanted) if len(wanted) > 1 else blogs.filter(status=wanted[0])


def _with_ids(blogs: Blogs, values: list[str]) -> Blogs:
    wanted = list(_parts(values))
    if not wanted or len(wanted) > IDS_MAX or not all(NUMBER.fullmatch(number) for number in wanted):
        raise _refused(f"Send 1 to {IDS_MAX} numbers of blogs, with commas between.")
    return blogs.filter(pk__in=[int(number) for number in wanted])


def _created_after(blogs: Blogs, values: list[str]) -> Blogs:
    return blogs.filter(created_at__gt=_moment(values[0]))


def _created_before(blogs: Blogs, values: list[str]) -> Blogs:
    return blogs.filter(created_at__lt=_moment(values[0]))


def _updated_after(blogs: Blogs, values: list[str]) -> Blogs:
    """Go by each blog's last event. The events of all blogs are far more, and are not looked through."""
    last = GenerationEvent.objects.filter(generation=OuterRef("pk")).order_by("-id").values("created_at")[:1]
    return (
        blogs.filter(created_at__isnull=False)
        .alias(changed_at=Subquery(last))
        .filter(changed_at__gt=_moment(values[0]))
    )


def _with_words(blogs: Blogs, values: list[str]) -> Blogs:
    return blogs.filter(source_id__icontains=PlainTextField(max_length=_WORDS_MAX).run_validation(values[0]))


def _with_metadata(blogs: Blogs, values: list[str]) -> Blogs:
    # The first condition is the index's own.
    found = RequestDetails.objects.exclude(metadata={})
    # One by one: of two values for one key, none may be passed over.
    for value in values[: MetadataField.pairs_max + 1]:
        key, colon, text = value.partition(":")
        if not colon:
            raise _refused("It must be a key and a value with a colon between them, as in metadata=order:17.")
        found = found.filter(metadata__contains=MetadataField().run_validation({key: text}))
    if len(values) > MetadataField.pairs_max:
        raise _refused(f"At most {MetadataField.pairs_max} pairs.")
    return blogs.filter(pk__in=found.values("generation_id"))


FILTERS: dict[str, Callable[[Blogs, list[str]], Blogs]] = {
    "status": _of_status,
    "ids": _with_ids,
    "createdAfter": _created_after,
    "createdBefore": _created_before,
    "updatedAfter": _updated_after,
    "q": _with_words,
    "metadata": _with_metadata,
}
REPEATABLE = ("status", "ids", "metadata")
PARAMETERS = (*FILTERS, "limit", "cursor")
_TIME = {"type": "string", "format": "date-time"}
_NUMBERS = {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
_PAIR = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,40}:[^\\x00-\\x1f\\x7f-\\x9f]{1,500}$"}
DESCRIBED = (
    parameter(
        "status",
        {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(Status.values)}},
        "One or several.",
        style="form",
        example=["DONE", "FAILED"],
    ),
    parameter(
        "ids",
        {"type": "array", "minItems": 1, "maxItems": IDS_MAX, "items": _NUMBERS},
        "Numbers of blogs.",
        style="form",
        example=[61, 62],
    ),
    parameter("createdAfter", _TIME, "They were asked for after this.", example="2026-11-28T08:00:00Z"),
    parameter("createdBefore", _TIME, "They were asked for before this."),
    parameter("updatedAfter", _TIME, "They have changed since."),
    parameter(
        "q",
        {"type": "string", "minLength": 1, "maxLength": _WORDS_MAX, "pattern": TEXT_THAT_SHOWS},
        "Words that stand in `sourceId`.",
        example="coffee",
    ),
    parameter(
        "metadata",
        {"type": "array", "minItems": 1, "maxItems": MetadataField.pairs_max, "items": _PAIR},
        "Pairs of your own, each in a parameter of its own; all are required.",
        example=["order:17"],
    ),
    LIMIT,
    CURSOR,
)


def _parts(values: list[str]) -> Iterator[str]:
    """Split values that came with commas, or in a parameter each."""
    for value in values:
        yield from value[:5_000].split(",")


def _moment(text: str) -> datetime:
    moment = read(text[:100])
    if moment is None or not moment.tzinfo:
        raise _refused(
            "It must be a time with its offset, such as 2026-12-24T08:00:00Z. In an address + is written %2B."
        )
    return moment


def _refused(message: str) -> ValidationError:
    return ValidationError(message)


def _invalid(name: str, message: str) -> serializers.ValidationError:
    return serializers.ValidationError({name: [ErrorDetail(message, "invalid")]})
