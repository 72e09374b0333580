"""Filters of the list of blogs, and the views that staff open daily; each is answered by an index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from blogs.desk.blogs import finding, places
from blogs.models import UNFINISHED, BlogGeneration, SourceType, Status

# What has no index of its own is looked for among this many of the newest blogs.
_NEWEST = 100_000
# A blog takes about a minute. One that has run for this long, on and off, is worth a look.
_STUCK = timedelta(hours=1)
# By how much a scheduled blog may start after its time before it is late.
_LATE = timedelta(minutes=1)

_Blogs = QuerySet[BlogGeneration]


class View(admin.SimpleListFilter):
    title = "view"
    parameter_name = "view"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("failed_today", "Failed today (UTC)"),
            ("stuck", "Stuck: begun over an hour ago"),
            ("late", "Late: its shop's time is over"),
            ("retried", f"Tried more than once (newest {_NEWEST:,})"),
        ]

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        now = timezone.now()
        match self.value():
            case "failed_today":
                midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
                return queryset.filter(status=Status.FAILED, finished_at__gte=midnight)
            case "stuck":
                return queryset.filter(status__in=UNFINISHED, started_at__lt=now - _STUCK, waits_for="")
            case "late":
                return queryset.filter(status=Status.PENDING, started_at=None, scheduled_at__lt=now - _LATE)
            case "retried":
                return newest(queryset).filter(attempts__gt=1)
        return queryset


class Where(admin.SimpleListFilter):
    title = "where it stands"
    parameter_name = "where"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(places.PLACES.items())

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        return places.standing(queryset, self.value() or "") if self.value() in places.PLACES else queryset


class Ended(admin.SimpleListFilter):
    title = "ended"
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("hour", "In the last hour"), ("day", "In the last 24 hours"), ("week", "In the last 7 days")]

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        ago = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}.get(self.value() or "")
        return queryset.filter(finished_at__gt=timezone.now() - ago) if ago else queryset


class Created(admin.SimpleListFilter):
    title = "created"
    parameter_name = "created"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("hour", "In the last hour"), ("today", "Today (UTC)"), ("week", "In the last 7 days")]

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        now = timezone.now()
        since = {
            "hour": now - timedelta(hours=1),
            "today": now.replace(hour=0, minute=0, second=0, microsecond=0),
            "week": now - timedelta(days=7),
        }.get(self.value() or "")
        return queryset.filter(pk__gte=finding.first_since(since)) if since else queryset


class ErrorCode(admin.SimpleListFilter):
    title = "last error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in finding.error_codes()]

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        return queryset.filter(error_code=self.value()) if self.value() else queryset


class NewestBySourceType(admin.SimpleListFilter):
    title = f"source (newest {_NEWEST:,})"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in SourceType.choices]

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        return newest(queryset).filter(source_type=self.value()) if self.value() in SourceType.values else queryset


def newest(queryset: _Blogs) -> _Blogs:
    """Leave those among the newest blogs, so that what has no index stays cheap."""
    highest = BlogGeneration.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return queryset.filter(pk__gt=highest - _NEWEST)
