"""Filters of the list of blogs, and the views that staff open daily: answered by an index, or among the newest blogs only.

What an address may ask of them is looked at before (`asked.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from blogs.desk.blogs import cost_bands, finding, places
from blogs.models import UNFINISHED, BlogGeneration, SourceType, Stage, Status
from wix.models import Site

# What has no index of its own is looked for among this many of the newest blogs.
_NEWEST = 100_000
# A blog takes about a minute. One that has run for this long, on and off, is worth a look.
_STUCK = timedelta(hours=1)
# By how much a scheduled blog may start after its time before it is late.
_LATE = timedelta(minutes=1)

# Another view is one more line here, and what it chooses in `View.queryset`.
VIEWS = {
    "needs_review": "Needs review: its article is held",
    "failed_today": "Failed today (UTC)",
    "stuck": "Stuck: begun over an hour ago",
    "late": "Late: its shop's time is over",
    "retried": f"Retried more than once (newest {_NEWEST:,})",
}
# Places where a blog may stand that are views too.
PLACE_VIEWS = ("openai", "replicate", "wix", "scheduled")

_Blogs = QuerySet[BlogGeneration]
_Choices = list[tuple[str, str]]


class OneOf(admin.SimpleListFilter):
    """Lets staff choose one of `options`, value by label."""

    options: dict[str, str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> _Choices:
        return list(self.options.items())

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        chosen = self.value()
        return self.chosen(queryset, chosen) if chosen in self.options else queryset

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        raise NotImplementedError


class View(OneOf):
    title = "view"
    parameter_name = "view"
    options = VIEWS

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        now = timezone.now()
        match value:
            case "needs_review":
                return blogs.filter(needs_review=True)
            case "failed_today":
                return blogs.filter(status=Status.FAILED, finished_at__gte=_midnight(now))
            case "stuck":
                return blogs.filter(status__in=UNFINISHED, started_at__lt=now - _STUCK, waits_for="")
            case "late":
                return blogs.filter(status=Status.PENDING, started_at=None, scheduled_at__lt=now - _LATE)
        return newest(blogs).filter(attempts__gt=2)


class Where(OneOf):
    title = "where it stands"
    parameter_name = "where"
    options = places.PLACES

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        return places.standing(blogs, value)


class ByStatus(OneOf):
    title = "status"
    parameter_name = "status__exact"
    options = {value: str(label) for value, label in Status.choices}

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        return blogs.filter(status=value)


class ByStage(OneOf):
    title = f"stage (newest {_NEWEST:,})"
    parameter_name = "stage"
    options = {value: str(label) for value, label in Stage.choices}

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        return newest(blogs).filter(stage=value)


class BySourceType(OneOf):
    title = f"source (newest {_NEWEST:,})"
    parameter_name = "source"
    options = {value: str(label) for value, label in SourceType.choices}

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        return newest(blogs).filter(source_type=value)


class Attempts(OneOf):
    title = f"attempts (newest {_NEWEST:,})"
    parameter_name = "attempts"
    options = {"0": "none so far", "1": "one", "2": "two", "3": "three or more"}

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        return newest(blogs).filter(**{"attempts__gte" if value == "3" else "attempts": int(value)})


class CostBand(OneOf):
    title = f"cost (newest {cost_bands.NEWEST:,})"
    parameter_name = "cost"
    options = cost_bands.BANDS

    def chosen(self, blogs: _Blogs, value: str) -> _Blogs:
        return cost_bands.within(newest(blogs, cost_bands.NEWEST), value)


class ErrorCode(admin.SimpleListFilter):
    title = "last error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> _Choices:
        codes, asked = finding.error_codes(), self.value() or ""
        return [(code, code) for code in (codes if asked in ("", *codes) else [*codes, asked])]

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        return queryset.filter(error_code=self.value()) if self.value() else queryset


class OfSite(admin.SimpleListFilter):
    """Names the shop whose blogs are listed, and has a field by which another is found."""

    title = "shop"
    parameter_name = "site__id__exact"
    template = "admin/blogs/bloggeneration/filter_shop.html"
    others: list[tuple[str, str]] = []

    def lookups(self, request: HttpRequest, model_admin: Any) -> _Choices:
        found = Site.objects.filter(pk=asked).first() if (asked := self.value()) else None
        return [(str(found.pk), str(found))] if found else []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        self.others = others(changelist, self.parameter_name)
        return super().choices(changelist)

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        return queryset.filter(site_id=asked) if (asked := self.value()) else queryset


class Range(admin.ListFilter):
    """A time: one of some spans up to now, or days from and to, both included. `name` is the parameter of the spans."""

    name: str
    spans: dict[str, str]
    template = "admin/blogs/bloggeneration/filter_range.html"
    others: list[tuple[str, str]] = []

    def __init__(self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in filter(None, self.expected_parameters()):
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def expected_parameters(self) -> list[str | None]:
        return [self.name, f"{self.name}_from", f"{self.name}_to"]

    def has_output(self) -> bool:
        return True

    @property
    def first(self) -> date | None:
        return parse_date(str(self.used_parameters.get(f"{self.name}_from", "")))

    @property
    def last(self) -> date | None:
        return parse_date(str(self.used_parameters.get(f"{self.name}_to", "")))

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        self.others = others(changelist, self.name)
        chosen, days = self.used_parameters.get(self.name), self._days()
        yield self._choice(changelist, "All", None, selected=not chosen and not days)
        for value, label in self.spans.items():
            yield self._choice(changelist, label, value, selected=chosen == value)
        if days:
            yield {"selected": True, "query_string": changelist.get_query_string(), "display": days}

    def _choice(self, changelist: Any, label: str, value: str | None, *, selected: bool) -> dict[str, Any]:
        query = changelist.get_query_string({self.name: value}, remove=[self.name])
        return {"selected": selected, "query_string": query, "display": label}

    def _days(self) -> str:
        first, last = self.first, self.last
        if first and first == last:
            return f"on {first}"
        return " ".join(f"{word} {day}" for word, day in (("from", first), ("to", last)) if day)

    def queryset(self, request: HttpRequest, queryset: _Blogs) -> _Blogs:
        begin, end = midnight_of(self.first), midnight_of(self.last, days_later=1)
        since = {
            "hour": timezone.now() - timedelta(hours=1),
            "today": _midnight(timezone.now()),
            "day": timezone.now() - timedelta(days=1),
            "week": timezone.now() - timedelta(days=7),
        }.get(str(self.used_parameters.get(self.name)))
        return self.between(queryset, max(filter(None, (begin, since)), default=None), end)

    def between(self, blogs: _Blogs, begin: datetime | None, end: datetime | None) -> _Blogs:
        raise NotImplementedError


class Created(Range):
    title = "created"
    name = "created"
    spans = {"hour": "In the last hour", "today": "Today (UTC)", "week": "In the last 7 days"}

    def between(self, blogs: _Blogs, begin: datetime | None, end: datetime | None) -> _Blogs:
        blogs = blogs.filter(pk__gte=finding.first_since(begin)) if begin else blogs
        return blogs.filter(pk__lt=finding.first_since(end)) if end else blogs


class Ended(Range):
    title = "ended"
    name = "ended"
    spans = {"hour": "In the last hour", "day": "In the last 24 hours", "week": "In the last 7 days"}

    def between(self, blogs: _Blogs, begin: datetime | None, end: datetime | None) -> _Blogs:
        blogs = blogs.filter(finished_at__gte=begin) if begin else blogs
        # What had ended by then had been created. So the list's order by id begins where the first of them is.
        return blogs.filter(finished_at__lt=end, pk__lt=finding.first_since(end)) if end else blogs


FILTERS: list[Any] = [
    View,
    Where,
    ByStatus,
    ErrorCode,
    OfSite,
    Created,
    Ended,
    ByStage,
    Attempts,
    BySourceType,
    CostBand,
]


def newest(queryset: _Blogs, count: int | None = None) -> _Blogs:
    """Leave those among the newest blogs, so that what has no index stays cheap."""
    highest = BlogGeneration.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return queryset.filter(pk__gt=highest - (count or _NEWEST))


def others(changelist: Any, but: str) -> list[tuple[str, str]]:
    """List what a form of one filter must send besides, so that all other filters stay."""
    kept = changelist.filter_params.items()
    return [(name, value) for name, values in kept for value in values if not name.startswith(but)]


def midnight_of(day: date | None, *, days_later: int = 0) -> datetime | None:
    at = datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone()) if day else None
    return at + timedelta(days=days_later) if at else None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
