"""The ledger on the support desk, read only. Staff grant and adjust credits on a site's page, which asks for the reason."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs.desk.base import ReadOnlyAdmin
from blogs.desk.search import SITES_MATCHED, as_id, sites_called
from credits.models import Credit, CreditAccount


def may_read(request: HttpRequest) -> bool:
    """Allow entries, on any page that shows some, to staff who may read the ledger itself."""
    return request.user.has_perm("credits.view_credit")


def accounts_of(term: str) -> list[int]:
    accounts = CreditAccount.objects.filter(site__in=sites_called(term))
    return list(accounts.values_list("pk", flat=True)[:SITES_MATCHED])


@admin.register(Credit)
class CreditAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "created_at",
        "site",
        "kind",
        "amount",
        "balance_change",
        "debt_change",
        "blog",
        "reason",
        "created_by",
    ]
    list_select_related = ["account__site", "created_by"]
    ordering = ["-id"]
    search_fields = ["id"]
    search_help_text = "A blog's id, a site's instance id, or how a site's name begins"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Credit], search_term: str
    ) -> tuple[QuerySet[Credit], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if blog_id := as_id(term):
            return queryset.filter(generation_id=blog_id), False
        return queryset.filter(account__in=accounts_of(term)), False

    @admin.display
    def site(self, entry: Credit) -> SafeString:
        url = reverse("admin:wix_site_change", args=[entry.account.site_id])
        return format_html('<a href="{}">{}</a>', url, entry.account.site)

    @admin.display
    def blog(self, entry: Credit) -> SafeString | None:
        if not entry.generation_id:
            return None
        url = reverse("admin:blogs_bloggeneration_change", args=[entry.generation_id])
        return format_html('<a href="{}">{}</a>', url, entry.generation_id)


@admin.register(CreditAccount)
class CreditAccountAdmin(ReadOnlyAdmin):
    list_display = ["id", "site", "balance", "held", "available", "debt"]
    list_select_related = ["site"]
    ordering = ["-id"]
    search_fields = ["site"]
    search_help_text = "A site's instance id, or how its name begins"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CreditAccount], search_term: str
    ) -> tuple[QuerySet[CreditAccount], bool]:
        term = search_term.strip()
        return (queryset.filter(pk__in=accounts_of(term)) if term else queryset), False
