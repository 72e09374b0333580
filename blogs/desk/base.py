"""The base of every page of the support desk.

The tables grow to a million rows. So a page counts no further than staff turn pages, sorts by index only, and shows no facets (each
would be a count of its own). The machine writes, staff read.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs import audit
from blogs.audit import Actor
from blogs.desk.masking import masked
from blogs.models import REASON_MAX, AuditEntry, BatchItem, BlogGeneration
from wix.identity.client_address import client_address
from wix.models import Site
from workers.database.clock import seconds_from_now
from workers.models import WorkerProcess
from workers.pool.heartbeat import FRESH_SECONDS

# We count no further than this; more is shown as "10,000+".
COUNTED = 10_000
# What only staff who may read the ledger see in a row's history.
_OF_MONEY = ("grant_credits", "adjust_credits", "refund")
# How many entries of the audit log a row's history shows.
_HISTORY_SHOWN = 200
# How many rows one action takes, each in a transaction of its own: about what fits into one request.
AT_ONCE = 1_000

admin.site.site_header = "Blog generation"
admin.site.site_title = "Blog generation"
admin.site.index_title = "Support desk"
# The desk has no other site beside it, and a sidebar of its own (`templates/admin/sidebar.html`).
admin.site.site_url = None
admin.site.enable_nav_sidebar = False


def span(seconds: float) -> str:
    """Say roughly how long that is, in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def badge(kind: str, text: str) -> SafeString:
    """Mark a state by its colour; `kind` is one that `templates/admin/base_site.html` has a style for."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def actor(request: HttpRequest) -> Actor:
    """Say who is signed in, and from where."""
    return Actor(request.user.get_username(), request.user.pk, client_address(request))


def way_back(request: HttpRequest, page: str) -> str:
    """Return the address at which an action was asked for: the page of its one row, whose URL has this name, or the list."""
    ids = request.POST.getlist("_selected_action")
    if "from_page" in request.POST and len(ids) == 1 and ids[0].isdecimal():
        return reverse(page, args=ids)
    return request.get_full_path()


def a_worker_is_alive() -> bool:
    """Say whether any worker carries out what staff have ordered."""
    return WorkerProcess.objects.filter(heartbeat_at__gt=seconds_from_now(-FRESH_SECONDS)).exists()


class WhyForm(forms.Form):
    """Asks for the reason, which history and audit log keep."""

    reason = forms.CharField(
        max_length=REASON_MAX,
        widget=forms.TextInput(attrs={"size": 60, "autofocus": True}),
        help_text="Colleagues will read it in the history.",
    )


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    counted = f"{COUNTED:,}+"

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[: COUNTED + 1].count()

    @property
    def is_cut_off(self) -> bool:
        return self.count > COUNTED


class InItsOwnOrder(ChangeList):
    """A list that is never sorted by another column, whatever its address asks (`?o=2`): Django's would sort the whole table."""

    def get_ordering_field(self, field_name: Any) -> None:
        return None


class DeskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Staff add and delete no rows. `ordering` and filters must have an index. What staff do goes into the audit log."""

    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return InItsOwnOrder

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse what is none of the list's filters. Django lets an address compare any column, in ways that no index answers."""
        known = {getattr(spec, "parameter_name", spec) for spec in self.list_filter}
        return lookup in known or lookup.removesuffix("__exact") in known

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return audit.record(actor(request), "add", about(obj), after=message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return audit.record(actor(request), "change", about(obj), after=message)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what the audit log says of this row."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404("There is no such row.")
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        entries = history(row)
        if not request.user.has_perm("credits.view_credit"):
            entries = entries.exclude(action__in=_OF_MONEY)
        shown = {
            "title": f"History of {row}",
            "object": row,
            "opts": self.opts,
            "entries": [(entry, change_in_words(entry)) for entry in entries[:_HISTORY_SHOWN]],
            # Where a colleague was is for those who may read the whole log.
            "may_see_addresses": request.user.has_perm("blogs.view_auditentry"),
        }
        return render(request, "admin/history.html", {**self.admin_site.each_context(request), **shown})


def about(row: Model) -> BlogGeneration | Site | str:
    """Name a row as the audit log does: a blog and a shop are known to it, all others by kind and number."""
    return row if isinstance(row, BlogGeneration | Site) else f"{row._meta.verbose_name} {row.pk}"


def change_in_words(entry: AuditEntry) -> str:
    """Say what it was before and is now, without secrets and mail addresses."""
    before, after = (_in_words(masked(value)) for value in (entry.before, entry.after))
    return f"{before} → {after}" if before else after


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_in_words(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_in_words(each) for each in value)
    return "" if value is None else str(value)


def history(row: Model) -> QuerySet[AuditEntry]:
    """Find what staff did to this row, the newest first."""
    if isinstance(row, BlogGeneration):
        done = BatchItem.objects.filter(blog_id=row.pk, state=BatchItem.State.DONE)
        batches = done.values_list("batch_id", flat=True)
        found = AuditEntry.objects.filter(Q(blog_id=row.pk) | Q(batch_id__in=list(batches)))
    elif isinstance(row, Site):
        found = AuditEntry.objects.filter(site_id=row.pk)
    else:
        found = AuditEntry.objects.filter(about=str(about(row)))
    return found.order_by("-id")


class ReadOnlyAdmin(DeskAdmin):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
