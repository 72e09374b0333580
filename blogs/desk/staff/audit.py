"""The audit log on the support desk: what was done, by whom, when, from where and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs.desk.base import ReadOnlyAdmin
from blogs.desk.search import SITES_MATCHED, as_id, sites_called
from blogs.models import AuditEntry


class Day(admin.SimpleListFilter):
    title = "when"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("hour", "In the last hour"), ("day", "In the last 24 hours"), ("week", "In the last 7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        ago = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}.get(self.value() or "")
        return queryset.filter(created_at__gt=timezone.now() - ago) if ago else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "by", "address", "action", "about_link", "before", "after", "reason"]
    list_display_links = None
    list_filter = [Day]
    ordering = ["-id"]
    search_fields = ["by"]
    search_help_text = "A colleague's login name, an action, #blog, or a shop's instance id or how its name begins"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if blog_id := as_id(term.removeprefix("#")):
            return queryset.filter(blog_id=blog_id), False
        for name in ("by", "action"):
            if (found := queryset.filter(**{name: term})).exists():
                return found, False
        shops = list(sites_called(term).values_list("pk", flat=True)[:SITES_MATCHED])
        return queryset.filter(site_id__in=shops), False

    @admin.display(description="what")
    def about_link(self, entry: AuditEntry) -> SafeString | str:
        pages = [("blogs_batch", entry.batch_id), ("blogs_bloggeneration", entry.blog_id), ("wix_site", entry.site_id)]
        for name, row_id in pages:
            if row_id:
                return format_html('<a href="{}">{}</a>', reverse(f"admin:{name}_change", args=[row_id]), entry.about)
        return entry.about
