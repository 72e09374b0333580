"""Breakers on the support desk: which providers are down, and why; staff may open and close them by hand."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk.base import DeskAdmin, about, actor, badge, span
from blogs.queue import waiting
from workers.database.clock import ClockTimestamp
from workers.models import Breaker
from workers.outbound import breaker_rows


class BreakerForm(forms.ModelForm):  # type: ignore[type-arg]
    asked = forms.ChoiceField(
        label="This provider",
        choices=[
            ("yes", "may be asked: close its breaker, and let all that waits come back"),
            ("no", "is not asked until I say so"),
        ],
        widget=forms.RadioSelect,
    )
    why = forms.CharField(max_length=300, help_text="Others will read it.")

    class Meta:
        model = Breaker
        fields: ClassVar[list[str]] = []


@admin.register(Breaker)
class BreakerAdmin(DeskAdmin):
    """A breaker opens and closes by itself. Staff may hold one open, and close any, with a reason."""

    form = BreakerForm
    list_display = ["provider", "state", "why", "next_try_in", "changed_at", "changed"]
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

    def save_model(self, request: HttpRequest, obj: Breaker, form: Any, change: bool) -> None:
        who, reason = actor(request), form.cleaned_data["why"]
        with transaction.atomic():
            if form.cleaned_data["asked"] == "yes":
                breaker_rows.close(obj.provider, waiting.provider_is_back, by=who.by, reason=reason)
            else:
                breaker_rows.hold_open(obj.provider, by=who.by, reason=reason)
            action = "close_breaker" if form.cleaned_data["asked"] == "yes" else "hold_breaker_open"
            audit.record(who, action, about(obj), reason=reason)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing: `save_model` has, with the reason."""
