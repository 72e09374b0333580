"""Blogs on the support desk: staff find them by what a ticket names, read them in full, retry, put first and cancel them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from blogs.desk.base import AT_ONCE, ReadOnlyAdmin, badge, span, staff_name
from blogs.desk.blogs import finding, page
from blogs.desk.money.ledger import may_read
from blogs.models import BlogGeneration, Status
from blogs.queue import lifecycle, waiting
from credits.ledger import InsufficientCredits

_Fields = list[str | list[str] | tuple[str, ...]]
_REQUEST: _Fields = [
    "source_id",
    ("site", "source_type", "language", "tone", "length"),
    ("cover", "categories"),
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
    list_select_related = ["site"]
    list_filter = ["status", finding.ErrorCode, finding.Created, finding.NewestBySourceType]
    ordering = ["-id"]
    search_fields = ["id"]
    search_help_text = "Blog id, draft id, a site's instance id, or how the topic or the site's name begins"
    actions = ["retry", "put_first", "cancel"]
    fieldsets = [
        ("What was asked", {"fields": _REQUEST}),
        ("Where it is", {"fields": _WHERE}),
        ("When", {"fields": _TIMES}),
    ]
    readonly_fields = ["status_badge", "error"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BlogGeneration], search_term: str
    ) -> tuple[QuerySet[BlogGeneration], bool]:
        return finding.found(queryset, search_term.strip()), False

    # --- Columns ----------------------------------------------------------------------------------------------------

    @admin.display
    def topic(self, generation: BlogGeneration) -> str:
        return Truncator(generation.source_id).chars(60)

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
        if generation.finished_at:
            return f"finished {span((now - generation.finished_at).total_seconds())} ago"
        if generation.run_after:
            ahead = (generation.run_after - now).total_seconds()
            return f"starts in {span(ahead)}" if ahead > 0 else "due now"
        return f"asked {span((now - generation.created_at).total_seconds())} ago"

    @admin.display(description="last error")
    def error(self, generation: BlogGeneration) -> str | None:
        return f"{generation.error_code}: {generation.error_message}" if generation.error_code else None

    # --- Actions ----------------------------------------------------------------------------------------------------

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Allow retry, put_first and cancel to staff who have Django's permission to change blogs. No blog is edited by hand."""
        return request.user.has_perm("blogs.change_bloggeneration")

    @admin.action(description="Retry (only FAILED)", permissions=["steer"])
    def retry(self, request: HttpRequest, queryset: QuerySet[BlogGeneration]) -> None:
        self._each(request, queryset, lifecycle.requeue, lambda _: "Retried")

    @admin.action(description="Put first in its site's line (only PENDING)", permissions=["steer"])
    def put_first(self, request: HttpRequest, queryset: QuerySet[BlogGeneration]) -> None:
        # The blog that is moved last stands first. Moving the newest first keeps the order within a site.
        moved = self._each(request, queryset, waiting.put_first, lambda _: "Put first", newest_first=True)
        if len(moved) == 1:
            self.message_user(request, f"Blog {moved[0].pk}: {page.place_in_line(moved[0])}")

    @admin.action(description="Cancel (only PENDING or PROCESSING without a draft)", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[BlogGeneration]) -> None:
        self._each(request, queryset, lifecycle.cancel, _cancelled)

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[BlogGeneration],
        move: Callable[..., BlogGeneration],
        told: Callable[[BlogGeneration], str],
        *,
        newest_first: bool = False,
    ) -> list[BlogGeneration]:
        ids = list(queryset.order_by("id").values_list("pk", flat=True)[: AT_ONCE + 1])
        moved, skipped, by = list[BlogGeneration](), Counter[str](), staff_name(request)
        for blog_id in sorted(ids[:AT_ONCE], reverse=newest_first):
            try:
                moved.append(move(blog_id, by=by))
            except lifecycle.WrongState as refused:
                skipped[str(refused)] += 1
            except InsufficientCredits:
                skipped["its site has too few credits"] += 1
        level = messages.WARNING if skipped else messages.SUCCESS
        done = Counter(told(generation) for generation in moved)
        self.message_user(request, _summary(done, skipped, left_over=len(ids) > AT_ONCE), level)
        return moved

    # --- A blog's page ----------------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        about = page.about(context["original"], with_ledger=may_read(request))
        context |= {**about, "may_steer": self.has_steer_permission(request)}
        return super().render_change_form(request, context, *args, **kwargs)


def _cancelled(generation: BlogGeneration) -> str:
    return "Cancelled" if generation.status == Status.CANCELLED else "Asked to stop at the next checkpoint"


def _summary(done: Counter[str], skipped: Counter[str], *, left_over: bool) -> str:
    parts = [f"{word} {count}." for word, count in done.items()] or ["Changed none."]
    parts += [f"Skipped {count}: {reason}." for reason, count in skipped.most_common()]
    if left_over:
        parts.append(f"That was the first {AT_ONCE:,}; do it again for the rest.")
    return " ".join(parts)
