"""Limits on the support desk: how much of each is used, now and in its last hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from blogs.desk.base import ReadOnlyAdmin, badge, span
from blogs.desk.charts import sparkline
from blogs.desk.search import SITES_MATCHED, sites_called
from blogs.desk.system import last_hour, limit_names
from workers.database.clock import ClockTimestamp
from workers.limits import usage
from workers.models import RateLimit, RateLimitUsage


class WhoseLimit(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("shared", "Shared by all sites"), ("site", "A site's own")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RateLimit]) -> QuerySet[RateLimit]:
        match self.value():
            case "shared":
                return queryset.filter(key="")
            case "site":
                return queryset.exclude(key="")
        return queryset


@admin.register(RateLimit)
class RateLimitAdmin(ReadOnlyAdmin):
    list_display = ["name", "requests", "tokens", "last_hour", "provider_says", "next_free_in", "blocked", "rejections"]
    fields = [
        ("requests", "tokens", "provider_says"),
        ("next_free_in", "blocked", "rejections", "last_rejection_at"),
        ("largest_tokens", "used_at"),
    ]
    readonly_fields = ["requests", "tokens", "provider_says", "next_free_in", "blocked"]
    list_filter = [WhoseLimit]
    # Shared limits have an empty key, and so come first.
    ordering = ["key", "provider", "model"]
    search_fields = ["key__exact"]
    search_help_text = "How a shop's name begins, or its instance id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[RateLimit]:
        # Now(), because the wall clock is a volatile function, for which PostgreSQL doesn't use the index on `started_at`.
        last_minute = RateLimitUsage.objects.filter(
            limit=OuterRef("pk"), started_at__gt=Now() - timedelta(seconds=60), started_at__lte=Now()
        )
        sums = last_minute.order_by().values("limit").annotate(requests_sum=Sum("requests"), tokens_sum=Sum("tokens"))
        limits: QuerySet[RateLimit] = super().get_queryset(request)
        return limits.annotate(
            now=ClockTimestamp(),
            requests_used=Coalesce(Subquery(sums.values("requests_sum")), 0),
            tokens_used=Coalesce(Subquery(sums.values("tokens_sum")), 0),
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Give each shared limit the line of its last hour. Sites' own limits get none: they are many, and rarely near."""
        page = super().get_changelist_instance(request)
        _allow(page.result_list)
        _call(page.result_list)
        shared = [limit for limit in page.result_list if not limit.key]
        hours = usage.last_hour(limit.pk for limit in shared)
        for limit in shared:
            limit.hour = hours[limit.pk]
        return page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        limit = context["original"]
        _allow([limit])
        _call([limit])
        minutes = usage.last_hour([limit.pk])[limit.pk]
        charts = [last_hour.requests_chart(minutes, limit.allowed.requests, limit.now)]
        if limit.allowed.tokens:
            charts.append(last_hour.tokens_chart(minutes, limit.allowed.tokens, limit.now))
        context |= {"charts": charts, "subtitle": limit.called}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RateLimit], search_term: str
    ) -> tuple[QuerySet[RateLimit], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = sites_called(term).values_list("instance_id", flat=True)[:SITES_MATCHED]
        return queryset.filter(key__in=[term, *map(str, found)]), False

    @admin.display(description="limit")
    def name(self, limit: Any) -> str:
        return str(limit.called)

    @admin.display(description="requests, last 60 s")
    def requests(self, limit: Any) -> SafeString:
        return _use(limit.requests_used, limit.allowed.requests)

    @admin.display(description="tokens, last 60 s")
    def tokens(self, limit: Any) -> str:
        return _use(limit.tokens_used, limit.allowed.tokens) if limit.allowed.tokens else "-"

    @admin.display(description="last hour")
    def last_hour(self, limit: Any) -> SafeString | None:
        hour = cast(list[usage.Minute] | None, getattr(limit, "hour", None))
        if hour is None:
            return None
        shares = [minute.share(*limit.allowed) for minute in hour]
        return format_html(_SPARKLINE, f"{max(shares):.0%}", sparkline(shares))

    @admin.display(description="the provider says")
    def provider_says(self, limit: RateLimit) -> SafeString:
        """Mark a limit that differs from the configured one. RATE_LIMIT_FOLLOW_PROVIDER decides which of the two holds."""
        said = (
            _said(limit.provider_requests_per_minute, limit.requests_per_minute, limit.provider_requests_remaining),
            _said(limit.provider_tokens_per_minute, limit.tokens_per_minute, limit.provider_tokens_remaining),
        )
        return format_html_join(SafeString("<br>"), "{}", [(part,) for part in said if part])

    @admin.display(description="next free in")
    def next_free_in(self, limit: Any) -> str:
        times = [limit.requests_tat, limit.blocked_until, limit.tokens_tat if limit.tokens_per_minute else None]
        ahead = (max(time for time in times if time) - limit.now).total_seconds()
        if ahead >= 60:
            return span(ahead)
        return f"{ahead:.1f} s" if ahead > 0 else "now"

    @admin.display(description="blocked until")
    def blocked(self, limit: Any) -> Any:
        return limit.blocked_until if limit.blocked_until and limit.blocked_until > limit.now else "-"


_SPARKLINE = (
    '<svg class="spark" viewBox="0 -1 120 26" role="img"><title>At most {} in a minute</title>'
    '<path class="allowed" d="M0 1 H120"/><path class="used" d="{}"/></svg>'
)


def _allow(limits: Iterable[Any]) -> None:
    """Set `allowed` on each: the numbers in force, by which its use is measured."""
    numbers = usage.allowed(limit.pk for limit in limits)
    for limit in limits:
        limit.allowed = numbers[limit.pk]


def _call(limits: Iterable[Any]) -> None:
    """Set `called` on each: its name, with the shop's where it is a shop's own."""
    known = list(limits)
    named = limit_names.shops(limit.key for limit in known)
    for limit in known:
        limit.called = limit_names.called(limit.provider, limit.model, limit.key, named)


def _use(used: int, allowed: int) -> SafeString:
    return format_html(
        '<meter min="0" max="{}" high="{}" value="{}"></meter> {}&nbsp;%'
        ' <div class="quiet small">{} of {}, {} left</div>',
        allowed,
        allowed * 0.9,
        used,
        round(100 * used / allowed),
        f"{used:,}",
        f"{allowed:,}",
        f"{max(0, allowed - used):,}",
    )


def _said(named: int | None, configured: int | None, left: int | None) -> SafeString | None:
    if named is None and left is None:
        return None
    mark = format_html("{} ", badge("failed", "differs")) if named not in (None, configured) else ""
    limit = "" if named is None else f"{named:,}"
    return format_html("{}{} {}", mark, limit, "" if left is None else f"({left:,} left)")
