"""A site on the support desk: how it is found, what its page shows, and how staff give it credits."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk import notes
from blogs.desk.base import DeskAdmin, actor, badge
from blogs.desk.money import spend
from blogs.desk.money.ledger import may_read
from blogs.desk.search import sites_called
from blogs.desk.sites import api_keys, as_shop, balance, catalog, facts, profile, site_lines, topics
from blogs.desk.system import pausing, webhooks
from blogs.models import BlogGeneration, Status
from credits import ledger
from credits.models import Credit, CreditAccount
from wix import languages
from wix.models import Site

ENTRIES_SHOWN = 50
# Refuses an amount with a zero too many.
_CREDITS_MAX = 1_000_000


class CreditsForm(forms.Form):
    """A form whose `key` is made when it is shown, so that a double click gives credits once."""

    amount = forms.IntegerField(
        min_value=-_CREDITS_MAX,
        max_value=_CREDITS_MAX,
        help_text="negative takes credits away; what is held stays held",
    )
    reason = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"size": 60}))
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, request: HttpRequest, site: Site, data: Any = None) -> None:
        super().__init__(data)
        self._may = request.user.has_perm
        self._site = site

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError("0 credits change nothing.")
        cap = settings.DESK_CREDITS_CAP
        if abs(amount) > cap and not self._may("credits.grant_many_credits"):
            raise forms.ValidationError(f"Your role moves up to {cap:,} credits at once; ask an admin for more.")
        account = CreditAccount.objects.filter(site=self._site).first()
        available = account.available if account else 0
        if -amount > available and not self._may("credits.put_in_debt"):
            raise forms.ValidationError(
                f"The shop has {available:,} free credits. More would be a debt, which only an admin may make."
            )
        return amount


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
class SiteAdmin(DeskAdmin):
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
    actions = [site_lines.pause, site_lines.resume, catalog.read_anew]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        processing = BlogGeneration.objects.filter(site=OuterRef("pk"), status=Status.PROCESSING).order_by()
        count = Subquery(processing.values("site").annotate(count=Count("pk")).values("count"), IntegerField())
        sites: QuerySet[Site] = super().get_queryset(request)
        # With all that hangs on the row, so that its page asks once.
        return sites.select_related("credit_account", "line", "subscription__plan").annotate(
            in_flight=Coalesce(count, 0)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Site], search_term: str
    ) -> tuple[QuerySet[Site], bool]:
        term = search_term.strip()
        return (queryset.filter(pk__in=sites_called(term).values("pk")) if term else queryset), False

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("blogs.pause_lines"))

    def save_model(self, request: HttpRequest, obj: Site, form: Any, change: bool) -> None:
        # Writes no other field: a worker may have found the author meanwhile.
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
        return site_lines.shown_weight(site)

    @admin.display(description="line")
    def paused(self, site: Site) -> SafeString | None:
        if hasattr(site, "line") and site.line.paused:
            return badge("pending", "paused")
        return None

    # --- A site's page ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        credits_view = self.admin_site.admin_view(self.credits_view)
        return [
            path("<int:site_id>/credits/", credits_view, name="wix_site_credits"),
            *site_lines.urls(self),
            *notes.urls(self),
            *as_shop.urls(self),
            *pausing.urls_of_all(self),
            *api_keys.urls(self),
            *profile.urls(self),
            *topics.urls(self),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        site = context["original"]
        account, line = getattr(site, "credit_account", None), getattr(site, "line", None)
        of_catalog = catalog.context(site)
        entries = Credit.objects.filter(account=account).select_related("created_by").order_by("-id")
        context |= {
            **site_lines.context(site),
            **webhooks.plan_context(site),
            **of_catalog,
            **facts.context(site, line, of_catalog["catalog"]),
            "balance_chart": balance.chart(account) if may_read(request) else None,
            "spent": spend.of_site(site.pk) if request.user.has_perm("workers.view_spend") else None,
            "account": account,
            "entries": entries[:ENTRIES_SHOWN] if may_read(request) else None,
            "entries_shown": ENTRIES_SHOWN,
            "may_read_topics": topics.may_read(request),
            "may_pause": self.has_pause_permission(request),
            "may_weigh": request.user.has_perm("blogs.weigh_lines"),
            "credits_form": CreditsForm(request, site) if request.user.has_perm("credits.grant_credits") else None,
            **api_keys.context(request, site),
            **notes.context(request, site),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def credits_view(self, request: HttpRequest, site_id: int) -> HttpResponse:
        site = get_object_or_404(Site, pk=site_id)
        if not (request.user.has_perm("credits.grant_credits") and self.has_view_permission(request, site)):
            raise PermissionDenied
        form = CreditsForm(request, site, request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._move_credits(request, site, form.cleaned_data)
            return HttpResponseRedirect(reverse("admin:wix_site_change", args=[site.pk]))
        context = {"title": f"Credits of {site}", "site_shown": site, "form": form}
        return render(request, "admin/wix/site/credits.html", {**self.admin_site.each_context(request), **context})

    def _move_credits(self, request: HttpRequest, site: Site, asked: dict[str, Any]) -> None:
        amount, staff = asked["amount"], request.user
        assert staff.is_authenticated
        move = ledger.grant if amount > 0 else ledger.adjust
        with transaction.atomic():
            account = ledger.lock(site.pk)
            key = f"staff:{site.pk}:{asked['key']}"
            entry = move(account, amount, reason=asked["reason"], created_by=staff, idempotency_key=key)
            if entry:
                action = "grant_credits" if amount > 0 else "adjust_credits"
                audit.record(
                    actor(request), action, site, after={"entry": entry.pk, "credits": amount}, reason=entry.reason
                )
        if entry:
            self.message_user(request, f"Credits {amount:+,}: done.", messages.SUCCESS)
        else:
            self.message_user(request, "This form was used before, so nothing was changed again.", messages.WARNING)
