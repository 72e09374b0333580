"""The base of every page of the support desk.

The tables grow to a million rows. So a page counts no further than staff turn pages, sorts by index only, and shows no facets (each
would be a count of its own). The machine writes, staff read.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

# We count no further than this; more is shown as "10,000+".
COUNTED = 10_000
# How many rows one action takes, each in a transaction of its own: about what fits into one request.
AT_ONCE = 1_000

admin.site.site_header = "Blog generation"
admin.site.site_title = "Blog generation"
admin.site.index_title = "Support desk"


def span(seconds: float) -> str:
    """Say roughly how long that is, in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def badge(kind: str, text: str) -> SafeString:
    """Mark a state by its colour; `kind` is one that `templates/admin/base_site.html` has a style for."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def staff_name(request: HttpRequest) -> str:
    """Name who is signed in, as events and breakers store who did it."""
    return f"staff:{request.user.get_username()}"[:100]


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    counted = f"{COUNTED:,}+"

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[: COUNTED + 1].count()

    @property
    def is_cut_off(self) -> bool:
        return self.count > COUNTED


class DeskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Staff add and delete no rows. `ordering` and filters must have an index."""

    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(DeskAdmin):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
