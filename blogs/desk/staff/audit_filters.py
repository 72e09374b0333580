"""Filters of the audit log that a colleague types: who, what was done, which shop, which blog, which days, from where."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date

from blogs.desk.search import SITES_MATCHED, as_id, sites_called
from blogs.models import AuditEntry

Entries = QuerySet[AuditEntry]


class Typed(admin.SimpleListFilter):
    """A filter with a field in place of choices. What it can't read gets a message, and finds nothing."""

    template = "admin/typed_filter.html"
    input_type = "text"
    help_text = ""
    # Why what was typed can't be read.
    problem = ""

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.others = [
            (name, value) for name, value in request.GET.items() if name not in (self.parameter_name, "p", "e")
        ]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "typed")]

    def choices(self, changelist: Any) -> Any:
        """Tell the chips above the list what is typed."""
        without = changelist.get_query_string(remove=[self.parameter_name])
        yield {"selected": not self.value(), "display": "All", "query_string": without}
        if self.value():
            yield {"selected": True, "display": self.value(), "query_string": "?"}

    def queryset(self, request: HttpRequest, queryset: Entries) -> Entries:
        typed = (self.value() or "").strip()
        if not typed:
            return queryset
        try:
            return self.found(queryset, typed)
        except ValueError as unreadable:
            self.problem = str(unreadable)
            messages.warning(request, self.problem)
            return queryset.none()

    def found(self, entries: Entries, typed: str) -> Entries:
        raise NotImplementedError


class By(Typed):
    title, parameter_name, help_text = "who", "by", "login name"

    def found(self, entries: Entries, typed: str) -> Entries:
        return entries.filter(by=typed)


class What(Typed):
    title, parameter_name, help_text = "what", "action", "retry, cancel, export, login, …"

    def found(self, entries: Entries, typed: str) -> Entries:
        return entries.filter(action=typed)


class OfShop(Typed):
    title, parameter_name, help_text = "shop", "shop", "its number, instance id, or how its name begins"

    def found(self, entries: Entries, typed: str) -> Entries:
        if site_id := as_id(typed):
            return entries.filter(site_id=site_id)
        shops = list(sites_called(typed).values_list("pk", flat=True)[:SITES_MATCHED])
        if not shops:
            raise ValueError("No shop is called so.")
        return entries.filter(site_id__in=shops)


class OfBlog(Typed):
    title, parameter_name, help_text = "blog", "blog", "its number"

    def found(self, entries: Entries, typed: str) -> Entries:
        if not (blog_id := as_id(typed.removeprefix("#"))):
            raise ValueError("blog: a blog's number has digits only.")
        return entries.filter(blog_id=blog_id)


class _Day(Typed):
    input_type = "date"

    def day(self, typed: str) -> date:
        try:
            found = parse_date(typed)
        except ValueError:
            found = None
        if not found:
            raise ValueError(f"{self.title}: write a day as 2026-11-28.")
        return found


class Since(_Day):
    title, parameter_name, help_text = "from day", "since", "UTC"

    def found(self, entries: Entries, typed: str) -> Entries:
        return entries.filter(created_at__gte=datetime.combine(self.day(typed), time(), UTC))


class Until(_Day):
    title, parameter_name, help_text = "to day", "until", "UTC, with the day itself"

    def found(self, entries: Entries, typed: str) -> Entries:
        day = min(self.day(typed), date.max - timedelta(days=1))
        return entries.filter(created_at__lt=datetime.combine(day + timedelta(days=1), time(), UTC))


TYPED = (By, What, OfShop, OfBlog, Since, Until)
