"""A shop on the support desk: its credits, its line, and what staff may change about either."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs.desk import api_keys
from blogs.desk.base import AT_ONCE, COUNTED, DeskAdmin
from blogs.desk.catalog import CatalogActions, catalog_of
from blogs.desk.search import sites_called
from blogs.desk.webhooks import paid_by
from blogs.models import BlogGeneration, SiteLine, Status
from blogs.queue import lines
from credits import ledger
from credits.models import Credit
from wix import languages
from wix.models import Site
from workers.database import wakeup

ENTRIES_SHOWN = 50
# A typing error of one zero too many should not pass.
_CREDITS_MAX = 1_000_000


class CreditsForm(forms.Form):
    """`key` is made when the form is shown, so that a double click gives credits once."""

    amount = forms.IntegerField(
        min_value=-_CREDITS_MAX,
        max_value=_CREDITS_MAX,
        help_text="negative takes credits away; what is held stays held",
    )
    reason = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"size": 60}))
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError("0 credits change nothing.")
        return amount


class WeightForm(forms.Form):
    weight = forms.IntegerField(
        min_value=1,
        max_value=lines.WEIGHT_MAX,
        help_text="how many of its blogs start for each one of a site of weight 1",
        error_messages=dict.fromkeys(
            ["required", "invalid", "min_value", "max_value"],
            f"A weight is a whole number from 1 to {lines.WEIGHT_MAX}.",
        ),
    )


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    language = forms.CharField(
        required=False,
        max_length=languages.TAG_MAX,
        validators=[RegexValidator(languages.TAG, "This is not BCP 47.")],
        help_text=Site._meta.get_field("language").help_text,
    )

    class Meta:
        model = Site
        fields = ["name", "language"]


@admin.register(Site)
class SiteAdmin(CatalogActions, DeskAdmin):
    form = SiteForm
    fields = ["name", "language", "instance_id", "url", "member_id", "created_at", "removed_at"]
    readonly_fields = ["instance_id", "url", "member_id", "created_at", "removed_at"]
    list_display = [
        "__str__",
        "instance_id",
        "connected",
        "balance",
        "held",
        "available",
        "waiting",
        "in_flight",
        "weight",
        "paused",
    ]
    list_select_related = ["credit_account", "line"]
    ordering = ["-id"]
    search_fields = ["name"]
    search_help_text = "Instance id, or how the name begins"
    actions = ["pause", "resume", "read_anew"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        processing = BlogGeneration.objects.filter(site=OuterRef("pk"), status=Status.PROCESSING).order_by()
        count = Subquery(processing.values("site").annotate(count=Count("pk")).values("count"), IntegerField())
        sites: QuerySet[Site] = super().get_queryset(request)
        return sites.annotate(in_flight=Coalesce(count, 0))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Site], search_term: str
    ) -> tuple[QuerySet[Site], bool]:
        term = search_term.strip()
        return (queryset.filter(pk__in=sites_called(term).values("pk")) if term else queryset), False

    def save_model(self, request: HttpRequest, obj: Site, form: Any, change: bool) -> None:
        # A worker may have found the author meanwhile.
        obj.save(update_fields=form.changed_data)

    # --- The list ---------------------------------------------------------------------------------------------------

    @admin.display(boolean=True)
    def connected(self, site: Site) -> bool:
        return site.removed_at is None

    @admin.display
    def balance(self, site: Site) -> int:
        return site.credit_account.balance if hasattr(site, "credit_account") else 0

    @admin.display
    def held(self, site: Site) -> int:
        return site.credit_account.held if hasattr(site, "credit_account") else 0

    @admin.display
    def available(self, site: Site) -> int:
        return site.credit_account.available if hasattr(site, "credit_account") else 0

    @admin.display
    def waiting(self, site: Site) -> int:
        return site.line.waiting if hasattr(site, "line") else 0

    @admin.display(description="in flight")
    def in_flight(self, site: Any) -> int:
        return int(site.in_flight)

    @admin.display
    def weight(self, site: Site) -> str:
        return f"{_weight(site.line):g}" if hasattr(site, "line") else "1"

    @admin.display(description="line")
    def paused(self, site: Site) -> SafeString | None:
        if hasattr(site, "line") and site.line.paused:
            return format_html('<span class="badge badge-{}">{}</span>', "pending", "paused")
        return None

    @admin.action(description="Pause the line: its blogs wait until it is resumed", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        self._steer_lines(request, queryset, paused=True)

    @admin.action(description="Resume the line", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        self._steer_lines(request, queryset, paused=False)
        wakeup.notify()

    def _steer_lines(self, request: HttpRequest, queryset: QuerySet[Site], *, paused: bool) -> None:
        move, word = (lines.pause, "Paused") if paused else (lines.resume, "Resumed")
        sites, changed, waiting = list(queryset.order_by("pk")[: AT_ONCE + 1]), 0, 0
        for site in sites[:AT_ONCE]:
            with transaction.atomic():
                line = lines.lock(site.pk)
                if line.paused == paused:
                    continue
                move(line)
                self.log_change(request, site, f"{word} its line.")
            changed += 1
            waiting += line.waiting
        blogs = f"{waiting:,} blog{'' if waiting == 1 else 's'} waiting"
        parts = [f"{word} {changed} with {blogs}." if changed else "Changed none."]
        if unchanged := len(sites[:AT_ONCE]) - changed:
            parts.append(f"{unchanged} needed no change.")
        if len(sites) > AT_ONCE:
            parts.append(f"That was the first {AT_ONCE:,} sites.")
        self.message_user(request, " ".join(parts))

    # --- A site's page ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        credits_view = self.admin_site.admin_view(self.credits_view)
        weight_view = self.admin_site.admin_view(self.weight_view)
        return [
            path("<int:site_id>/credits/", credits_view, name="wix_site_credits"),
            path("<int:site_id>/weight/", weight_view, name="wix_site_weight"),
            *api_keys.urls(self),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        site = context["original"]
        account, line = getattr(site, "credit_account", None), getattr(site, "line", None)
        entries = Credit.objects.filter(account=account) if account else Credit.objects.none()
        context |= {
            "account": account,
            "line": line,
            "catalog": catalog_of(site),
            "outside": BlogGeneration.objects.filter(site=site, status=Status.PENDING, ready=False)[:COUNTED].count(),
            "line_weight": self.weight(site),
            "weight_form": WeightForm(initial={"weight": round(_weight(line)) if line else 1}),
            **paid_by(site),
            "entries": entries.select_related("created_by").order_by("-id")[:ENTRIES_SHOWN],
            "entries_shown": ENTRIES_SHOWN,
            "credits_form": CreditsForm() if request.user.has_perm("credits.add_credit") else None,
        }
        context |= api_keys.context(request, site)
        return super().render_change_form(request, context, *args, **kwargs)

    def credits_view(self, request: HttpRequest, site_id: int) -> HttpResponse:
        site = get_object_or_404(Site, pk=site_id)
        if not (request.user.has_perm("credits.add_credit") and self.has_view_permission(request, site)):
            raise PermissionDenied
        form = CreditsForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._move_credits(request, site, form.cleaned_data)
            return HttpResponseRedirect(reverse("admin:wix_site_change", args=[site.pk]))
        context = {"title": f"Credits of {site}", "site_shown": site, "form": form}
        return render(request, "admin/wix/site/credits.html", {**self.admin_site.each_context(request), **context})

    def weight_view(self, request: HttpRequest, site_id: int) -> HttpResponse:
        site = get_object_or_404(Site, pk=site_id)
        if not self.has_change_permission(request, site):
            raise PermissionDenied
        form = WeightForm(request.POST)
        if form.is_valid():
            self._set_weight(request, site, form.cleaned_data["weight"])
        elif request.method == "POST":
            self.message_user(request, " ".join(str(error) for error in form.errors["weight"]), messages.ERROR)
        return HttpResponseRedirect(reverse("admin:wix_site_change", args=[site.pk]))

    def _set_weight(self, request: HttpRequest, site: Site, weight: int) -> None:
        with transaction.atomic():
            line = lines.lock(site.pk)
            before = _weight(line)
            if before == weight:
                self.message_user(request, f"Its weight is {weight} already.", messages.WARNING)
                return
            lines.set_weight(line, weight)
            self.log_change(request, site, f"Weight of its line: {weight}, was {before:g}.")
        self.message_user(request, f"Weight {weight} from now on; it was {before:g}.", messages.SUCCESS)

    def _move_credits(self, request: HttpRequest, site: Site, asked: dict[str, Any]) -> None:
        amount, staff = asked["amount"], request.user
        assert staff.is_authenticated
        move = ledger.grant if amount > 0 else ledger.adjust
        with transaction.atomic():
            account = ledger.lock(site.pk)
            key = f"staff:{site.pk}:{asked['key']}"
            entry = move(account, amount, reason=asked["reason"], created_by=staff, idempotency_key=key)
            if entry:
                self.log_change(request, site, f"Credits {amount:+,}: {asked['reason']}")
        if entry:
            self.message_user(request, f"Credits {amount:+,}: done.", messages.SUCCESS)
        else:
            self.message_user(request, "This form was used before, so nothing was changed again.", messages.WARNING)


def _weight(line: SiteLine) -> float:
    # Twice inverted, 1/3 is not quite a third.
    return round(1 / line.step, 6)
