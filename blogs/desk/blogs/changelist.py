"""Blogs on the support desk: staff find them by what a ticket names, read them in full, retry, put first and cancel them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst

from blogs.batches.moves import MOVES, Move
from blogs.desk import notes
from blogs.desk.base import DeskAdmin, ReadOnlyAdmin, badge, span
from blogs.desk.blogs import acting, asked, at_wix, exporting, filters, finding, page, places
from blogs.desk.find.blogs import called, know_names
from blogs.desk.money.ledger import may_read
from blogs.models import BlogGeneration

_Fields = list[str | list[str] | tuple[str, ...]]
_REQUEST: _Fields = [
    "source_id",
    ("site", "source_type", "language", "tone", "length"),
    ("cover", "categories", "shop_profile"),
    ("publish", "publish_at", "scheduled_at"),
    ("idempotency_key",),
]
_WHERE: _Fields = [
    ("status_badge", "stage", "attempts", "rescues", "priority"),
    "error",
    ("worker", "lease_expires_at", "run_after", "deferred_since", "cancel_requested_at"),
]
_TIMES: _Fields = [
    ("created_at", "started_at", "finished_at"),
    "draft_post_id",
    ("draft_create_started_at", "draft_sweep_at"),
]


@admin.register(BlogGeneration)
class BlogGenerationAdmin(ReadOnlyAdmin):
    list_display = ["id", "topic", "site_link", "status_badge", "stage", "when", "attempts", "error_code"]
    list_display_links = ["id", "topic"]
    list_select_related = ["site__line"]
    list_filter = filters.FILTERS
    ordering = ["-id"]
    search_fields = ["id"]
    search_help_text = "Words of topic, title, product or shop; or an id, a slug or an address of blog, draft or post"
    fieldsets = [
        ("What was asked", {"fields": _REQUEST}),
        ("Where it is", {"fields": _WHERE}),
        ("When", {"fields": _TIMES}),
    ]
    readonly_fields = ["status_badge", "error", "shop_profile"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BlogGeneration], search_term: str
    ) -> tuple[QuerySet[BlogGeneration], bool]:
        return finding.found(queryset, search_term.strip()), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlogGeneration]:
        found: QuerySet[BlogGeneration] = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == "blogs_bloggeneration_change":
            # A blog's page, with all that hangs on its row.
            found = found.select_related("article", "site__line", "words", "profile").defer("words__words")
            found = found.annotate(own_topic=page.own_topic())
        return found

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        page = super().get_changelist_instance(request)
        know_names(page.result_list)
        return page

    # --- Columns ----------------------------------------------------------------------------------------------------

    @admin.display
    def topic(self, generation: BlogGeneration) -> str:
        return Truncator(called(generation)).chars(60)

    @admin.display(description="site")
    def site_link(self, generation: BlogGeneration) -> SafeString:
        url = reverse("admin:wix_site_change", args=[generation.site_id])
        return format_html('<a href="{}">{}</a>', url, generation.site)

    @admin.display(description="status")
    def status_badge(self, generation: BlogGeneration) -> SafeString:
        return badge(generation.status.lower(), generation.status)

    @admin.display
    def when(self, generation: BlogGeneration) -> str:
        now = timezone.now()
        if waits := places.in_words(generation):
            return waits
        if generation.finished_at:
            return f"finished {span((now - generation.finished_at).total_seconds())} ago"
        if generation.run_after:
            ahead = (generation.run_after - now).total_seconds()
            return f"starts in {span(ahead)}" if ahead > 0 else "due now"
        return f"asked {span((now - generation.created_at).total_seconds())} ago"

    @admin.display(description="written by the profile")
    def shop_profile(self, generation: BlogGeneration) -> SafeString | None:
        if generation.profile is None:
            return None
        url = reverse("admin:wix_site_profile", args=[generation.site_id])
        return format_html('<a href="{}">version {}</a>', url, generation.profile.version)

    @admin.display(description="last error")
    def error(self, generation: BlogGeneration) -> str | None:
        return f"{generation.error_code}: {generation.error_message}" if generation.error_code else None

    # --- Exports ----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(lambda request, form: exporting.export(self, request, form))
        export = path("export/<str:form>/", view, name="blogs_bloggeneration_export")
        return [export, *notes.urls(self), *at_wix.urls(self), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        kept, told = asked.corrected(request.GET)
        if told or (kept != request.GET and request.method != "POST"):
            for problem in told:
                self.message_user(request, problem, messages.ERROR)
            if told and request.method == "POST":
                self.message_user(request, "Nothing was done: it would have been done to other blogs.", messages.ERROR)
            return HttpResponseRedirect(f"{request.path}?{kept.urlencode()}" if kept else request.path)
        request.GET = kept  # type: ignore[assignment]
        may = {"may_export": request.user.has_perm("blogs.export_blogs"), "views": _views(request)}
        return super().changelist_view(request, {**(extra_context or {}), **may})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow all that `asked.py` has left of the address."""
        return True

    # --- Actions ----------------------------------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the moves that this colleague may make. Django refuses a POST with any other."""
        may = request.user.has_perm
        return {name: (_action(move), name, move.label) for name, move in MOVES.items() if may(move.permission)}

    # --- A blog's page ----------------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        blog, before = context["original"], request.GET.get("events_before", "")
        about = page.about(blog, with_ledger=may_read(request), before=before)
        context |= {
            **about,
            **notes.context(request, blog),
            "at_wix": at_wix.about(blog),
            "moves": page.moves(blog, request.user, refundable=about["refundable"]),
        }
        return super().render_change_form(request, context, *args, **kwargs)


def _views(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """List the views above the list: each in words, its address, and whether it is the one that is open."""
    lists = [
        *(("view", name, words) for name, words in filters.VIEWS.items()),
        *(("where", name, capfirst(places.PLACES[name])) for name in filters.PLACE_VIEWS),
    ]
    return [(words, f"?{name}={value}", request.GET.get(name) == value) for name, value, words in lists]


def _action(move: Move) -> Any:
    def ask(desk: DeskAdmin, request: HttpRequest, chosen: QuerySet[BlogGeneration]) -> HttpResponse:
        return acting.act(desk, request, chosen, move)

    return ask
