"""Prices on the support desk: what each model costs, from which day on. A price is entered with a reason and never changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk.base import ReadOnlyAdmin, actor, badge
from blogs.models import REASON_MAX
from workers.limits import costs
from workers.models import Price

_PROVIDERS = [("openai", "OpenAI, or what answers in its place"), ("replicate", "Replicate")]
_AMOUNTS = ["input_per_million", "cached_per_million", "output_per_million", "per_picture"]
# Models that were called within this time and have no price are named above the list.
_LOOKED_BACK = timedelta(days=30)


def today() -> date:
    """Return the day by which prices and spend are counted: that of UTC."""
    return timezone.now().date()


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    provider = forms.ChoiceField(choices=_PROVIDERS)
    valid_from = forms.DateField(
        label="Valid from (UTC)",
        initial=today,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="it counts for all calls since that day, those of the past too",
    )
    nothing = forms.BooleanField(
        label="Not known",
        required=False,
        help_text="from that day on the cost is unknown again; for a price that was entered by mistake",
    )
    reason = forms.CharField(
        max_length=REASON_MAX,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text="where the price is from; colleagues read it in the list and in the audit log",
    )

    class Meta:
        model = Price
        fields = ["provider", "model", "valid_from", *_AMOUNTS, "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        given = {name for name in _AMOUNTS if name in self.errors or cleaned.get(name) is not None}
        if cleaned.get("nothing"):
            if given:
                raise forms.ValidationError("A price that is not known has no numbers: leave them all empty.")
        elif cleaned.get("provider") == "replicate":
            if given != {"per_picture"}:
                raise forms.ValidationError("Replicate has one price, per picture: fill in that one only.")
        elif given - {"cached_per_million"} != {"input_per_million", "output_per_million"}:
            raise forms.ValidationError(
                "OpenAI has a price of prompts and one of answers: fill in both, and none per picture."
            )
        return cleaned


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    form = PriceForm
    list_display = ["model", "provider", "valid_from", "state", *_AMOUNTS, "by", "created_at", "reason"]
    ordering = ["provider", "model", "-valid_from", "-id"]
    change_list_template = "admin/workers/price/change_list.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ["provider", "model", "valid_from", *_AMOUNTS]
        return [*asked, "reason", "by", "created_at"] if obj else [*asked, "nothing", "reason"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.has_perm("workers.add_price"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        """Add until when each price holds, and whether a later entry for the same day has replaced it."""
        of_model = Price.objects.filter(provider=OuterRef("provider"), model=OuterRef("model"))
        following = of_model.filter(valid_from__gt=OuterRef("valid_from")).order_by("valid_from").values("valid_from")
        prices: QuerySet[Price] = super().get_queryset(request)
        return prices.annotate(
            until=Subquery(following[:1]),
            replaced=Exists(of_model.filter(valid_from=OuterRef("valid_from"), pk__gt=OuterRef("pk"))),
        )

    @admin.display
    def state(self, price: Any) -> SafeString | str:
        if price.replaced:
            return badge("cancelled", "replaced")
        if price.valid_from > today():
            return badge("pending", "not yet")
        return f"until {price.until}" if price.until and price.until <= today() else badge("done", "in force")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "unpriced": unpriced()})

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        before = in_force(obj.provider, obj.model, obj.valid_from)
        with transaction.atomic():
            obj.by = actor(request).name
            obj.save(force_insert=True)
            held, holds = _numbers(before) if before else None, _numbers(obj)
            about = f"price of {obj.model}"
            audit.record(actor(request), "set_price", about, before=held, after=holds, reason=obj.reason)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write no second entry: `save_model` has written one that says what held before."""


def in_force(provider: str, model: str, day: date) -> Price | None:
    """Find the price of a model on a day."""
    of_model = Price.objects.filter(provider=provider, model=model, valid_from__lte=day)
    return of_model.order_by("-valid_from", "-pk").first()


def _numbers(price: Price) -> dict[str, str]:
    amounts = {name: str(amount) for name in _AMOUNTS if (amount := getattr(price, name)) is not None}
    return {"valid_from": str(price.valid_from), **(amounts or {"price": "not known"})}


def unpriced() -> list[tuple[str, str, int]]:
    """List provider, model and the number of its calls within the last month that have no price."""
    found: dict[tuple[str, str], int] = {}
    for line in costs.by_month(today() - _LOOKED_BACK):
        if line.cost.unpriced:
            key = line.provider, line.model
            found[key] = found.get(key, 0) + line.cost.unpriced
    return [(*key, count) for key, count in found.items()]
