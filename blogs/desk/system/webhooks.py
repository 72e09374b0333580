"""Webhooks and plans on the support desk: deliveries that staff read and replay, plans that they edit."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk.base import AT_ONCE, DeskAdmin, about, actor, badge
from blogs.desk.masking import masked
from blogs.desk.money import margins
from blogs.desk.search import SITES_MATCHED, sites_called
from blogs.queue import lines
from blogs.site_events import subscriptions
from blogs.site_events.handlers import HANDLERS
from wix.client.fields import uuid_or_none
from wix.models import Plan, Site, WebhookDelivery
from wix.webhooks import deliveries

_Status = WebhookDelivery.Status
_ALLOWANCES_SHOWN = 10


class TypeFilter(admin.SimpleListFilter):
    """Offers the types that we handle. To find out which types are stored, it would read the whole table."""

    title = "type"
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(HANDLERS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
        return queryset.filter(event_type=self.value()) if self.value() else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(DeskAdmin):
    list_display = ["id", "event_type", "instance_id", "state", "received_at", "received", "attempts", "outcome"]
    list_filter = ["status", TypeFilter]
    ordering = ["-id"]
    search_fields = ["instance_id"]
    search_help_text = "Instance id, or how the site's name begins"
    actions = ["replay", "ignore"]
    fields = (
        "event_type",
        "instance_id",
        "status",
        "outcome",
        "payload",
        "issued_at",
        "happened_at",
        "received_at",
        "received",
        "due_at",
        "attempts",
        "processed_at",
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery], search_term: str
    ) -> tuple[QuerySet[WebhookDelivery], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if instance_id := uuid_or_none(term):
            return queryset.filter(instance_id=instance_id), False
        instances = list(sites_called(term).values_list("instance_id", flat=True)[:SITES_MATCHED])
        return queryset.filter(instance_id__in=instances), False

    @admin.display(description="status", ordering="status")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        return badge(delivery.status, delivery.status)

    @admin.display(description="data")
    def payload(self, delivery: WebhookDelivery) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(masked(delivery.data), indent=2, ensure_ascii=False))

    @admin.action(description="Replay: work on it again", permissions=["change"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        chosen = self._chosen(queryset)
        with transaction.atomic():
            for delivery in chosen.select_for_update():
                audit.record(actor(request), "replay_webhook", about(delivery), before=delivery.status)
            count = deliveries.replay(chosen)
        self.message_user(request, f"{count} will be worked on within moments.")

    @admin.action(description="Leave failed ones as they are, and alert no more", permissions=["change"])
    def ignore(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        chosen = self._chosen(queryset)
        with transaction.atomic():
            for delivery in chosen.filter(status=_Status.FAILED).select_for_update():
                audit.record(actor(request), "leave_webhook", about(delivery), before=delivery.status)
            ignored = deliveries.leave_failed(chosen)
        others = chosen.count() - ignored
        self.message_user(request, f"{ignored} ignored, {others} skipped (not failed).")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"show_save": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def _chosen(self, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
        """Bound the rows by their ids, because an UPDATE takes no LIMIT."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        return WebhookDelivery.objects.filter(pk__in=ids)


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]
    weight = forms.IntegerField(
        min_value=1, max_value=lines.WEIGHT_MAX, initial=1, help_text=Plan._meta.get_field("weight").help_text
    )

    class Meta:
        model = Plan
        fields = ["vendor_product_id", "name", "monthly_credits", "monthly_price", "weight", "open_blogs_max"]


@admin.register(Plan)
class PlanAdmin(DeskAdmin):
    form = PlanForm
    list_display = ["name", "vendor_product_id", "monthly_credits", "monthly_price", "weight", "open_blogs_max"]
    ordering = ["name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.has_perm("wix.add_plan"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        plan = context.get("original")
        margin = margins.of_plan(plan) if plan and request.user.has_perm("workers.view_spend") else {}
        return super().render_change_form(request, {**context, **margin}, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            changed = subscriptions.plan_changed(obj) if change else 0
        if changed:
            self.message_user(
                request, f"{changed} sites have its weight and cap now; credits come with their next month."
            )


def plan_context(site: Site) -> dict[str, Any]:
    """Describe what the site pays for, and what it got for that, for its page."""
    subscription = getattr(site, "subscription", None)
    return {
        "subscription": subscription,
        "allowances": site.allowances.order_by("-period_start")[:_ALLOWANCES_SHOWN] if subscription else [],
    }
