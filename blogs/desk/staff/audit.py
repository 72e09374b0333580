"""The audit log on the support desk: what was done, by whom, when, from where and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk import streaming
from blogs.desk.base import ReadOnlyAdmin, actor, change_in_words
from blogs.desk.search import SITES_MATCHED, as_id, sites_called
from blogs.desk.staff import audit_filters
from blogs.models import AuditEntry

_EXPORT = "blogs.export_audit"
_COLUMNS = {
    name: name
    for name in (
        "id",
        "created_at",
        "by",
        "address",
        "action",
        "about",
        "site_id",
        "blog_id",
        "batch_id",
        "before",
        "after",
        "reason",
    )
}


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
    list_display = ["created_at", "by", "address", "action", "about_link", "shown_change", "reason"]
    list_display_links = None
    list_filter = [Day, *audit_filters.TYPED]
    ordering = ["-id"]
    search_fields = ["by"]
    search_help_text = "A colleague's login name, an action, #blog, or a shop's instance id or how its name begins"

    class Media:
        css = {"all": ["desk/audit.css"]}

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Go by time where days alone are chosen: by number, PostgreSQL may walk through all that came later."""
        by_day = any(request.GET.get(name) for name in ("since", "until", Day.parameter_name))
        return ["-created_at", "-id"] if by_day else ["-id"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(lambda request, form: _export(self, request, form))
        return [path("export/<str:form>/", view, name="blogs_auditentry_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may = {"may_export": request.user.has_perm(_EXPORT), "export_name": "admin:blogs_auditentry_export"}
        return super().changelist_view(request, {**(extra_context or {}), **may})

    @admin.display(description="before and after")
    def shown_change(self, entry: AuditEntry) -> str:
        return change_in_words(entry)

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


def _export(desk: AuditEntryAdmin, request: HttpRequest, form: str) -> HttpResponseBase:
    """Answer with all entries that the address's filters choose; this is an entry too."""
    if not (request.user.has_perm(_EXPORT) and desk.has_view_permission(request)):
        raise PermissionDenied(f"You lack the right to export the audit log ({_EXPORT}).")
    try:
        changelist = desk.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return HttpResponse("The address names a filter that there is not.", status=400, content_type="text/plain")
    if problems := [problem for spec in changelist.filter_specs if (problem := getattr(spec, "problem", ""))]:
        return HttpResponse(" ".join(problems), status=400, content_type="text/plain; charset=utf-8")
    filters = {name: value for name, value in request.GET.items() if value}

    def note() -> None:
        audit.record(actor(request), "export", f"audit log as {form}", after=filters)

    return streaming.answer(
        changelist.queryset, _COLUMNS, form, called="audit-log", note=note, payloads=("before", "after")
    )
