"""Breakers on the support desk: which providers are down, and why. Staff pause and resume a provider by hand (`pausing.py`)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString

from blogs.desk.base import ReadOnlyAdmin, badge, span
from blogs.desk.system import pausing
from workers.database.clock import ClockTimestamp
from workers.models import Breaker


@admin.register(Breaker)
class BreakerAdmin(ReadOnlyAdmin):
    """A breaker opens and closes by itself. Staff may hold one open, and close any, with a reason."""

    list_display = ["provider", "state", "why", "next_try_in", "changed_at", "changed"]
    fields = ["provider", "state", "why", "opened_at", "next_try_in", "changed_at", "changed"]
    readonly_fields = ["state", "why", "next_try_in", "changed"]
    ordering = ["provider"]

    @admin.display(description="state")
    def state(self, breaker: Breaker) -> SafeString:
        if breaker.opened_at is None:
            return badge("done", "asked")
        return badge("failed", "held open" if breaker.held_by else "down")

    @admin.display(description="why")
    def why(self, breaker: Breaker) -> str:
        return breaker.reason

    @admin.display(description="next try in")
    def next_try_in(self, breaker: Any) -> str | None:
        if breaker.probe_at is None:
            return None
        return span((breaker.probe_at - breaker.now).total_seconds())

    @admin.display(description="changed by")
    def changed(self, breaker: Breaker) -> str:
        return breaker.changed_by or "itself"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Breaker]:
        found: QuerySet[Breaker] = super().get_queryset(request)
        return found.annotate(now=ClockTimestamp())

    def get_urls(self) -> list[URLPattern]:
        return [*pausing.urls_of_providers(self), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"may_steer": request.user.has_perm("workers.change_breaker")}
        return super().render_change_form(request, context, *args, **kwargs)
