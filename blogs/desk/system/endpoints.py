"""Shops' own webhook endpoints on the support desk: how each does, what was sent to it, and what staff may do to it.

A shop's address may hold a secret in its path, so staff see its host alone. The signing secret is never shown here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk.base import ReadOnlyAdmin, WhyForm, about, actor, badge
from blogs.desk.search import SITES_MATCHED, sites_called
from blogs.models import WebhookEndpoint, WebhookMessage
from blogs.outgoing import endpoints
from blogs.outgoing.endpoints import NotNow

Off = WebhookEndpoint.Off

_SHOWN = 50
_PERMISSION = "blogs.steer_webhooks"


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("on", "On"), ("failing", "On, and failing"), ("off", "Off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> QuerySet[WebhookEndpoint]:
        match self.value():
            case "on":
                return queryset.filter(off_at=None)
            case "failing":
                return queryset.filter(off_at=None, failures__gt=0)
            case "off":
                return queryset.filter(off_at__isnull=False)
        return queryset


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ["id", "site", "host", "state", "failures", "delivered_at", "created_at"]
    list_filter = [StateFilter]
    list_select_related = ["site"]
    ordering = ["-id"]
    search_fields = ["site"]
    search_help_text = "How the shop's name begins"
    fields = (
        "site",
        "host",
        "state",
        "description",
        "events",
        "failures",
        "failing_since",
        "rests_until",
        "slow_until",
        "delivered_at",
        "old_secret_until",
        "created_at",
        "off_at",
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint], search_term: str
    ) -> tuple[QuerySet[WebhookEndpoint], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        sites = list(sites_called(term).values_list("pk", flat=True)[:SITES_MATCHED])
        return queryset.filter(site_id__in=sites), False

    @admin.display(description="address")
    def host(self, endpoint: WebhookEndpoint) -> str:
        parts = urlsplit(endpoint.url)
        return f"{parts.scheme}://{parts.netloc}/…"

    @admin.display(description="state")
    def state(self, endpoint: WebhookEndpoint) -> SafeString:
        if endpoint.off_at:
            return badge("cancelled", endpoint.get_off_why_display())
        return badge("failed", "failing") if endpoint.failures else badge("done", "on")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/off/", view(self._off), name="desk_webhook_off"),
            path("<int:pk>/on/", view(self._on), name="desk_webhook_on"),
            path("<int:pk>/messages/<int:message>/again/", view(self._again), name="desk_webhook_again"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        endpoint = context["original"]
        sent = WebhookMessage.objects.filter(endpoint=endpoint).defer("body").order_by("-id")[:_SHOWN]
        may = request.user.has_perm(_PERMISSION) and endpoint.off_why != Off.DELETED
        context |= {"sent": sent, "sent_shown": _SHOWN, "may_steer": may}
        return super().render_change_form(request, context, *args, **kwargs)

    # --- What staff do ------------------------------------------------------------------------------------------------

    def _off(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = _endpoint(request, pk)
        waiting = WebhookMessage.objects.filter(endpoint=endpoint, due_at__isnull=False)[:1_000].count()
        outlook = [
            f"Nothing more is sent to this endpoint of {endpoint.site}, and nothing is stored for it.",
            f"{waiting:,} messages that wait are dropped; each can be sent again once it is on.",
            "The shop cannot switch it on by itself.",
        ]
        refused = "It is off already." if endpoint.off_at else ""
        return self._asked(
            request, endpoint, "Switch off", outlook, lambda: endpoints.switch_off(endpoint, Off.STAFF), refused
        )

    def _on(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = _endpoint(request, pk)
        outlook = ["It is told what happens from now on. What happened while it was off was not stored."]
        refused = "" if endpoint.off_at else "It is on already."
        return self._asked(
            request, endpoint, "Switch on", outlook, lambda: endpoints.switch_on(endpoint, by_staff=True), refused
        )

    def _again(self, request: HttpRequest, pk: int, message: int) -> HttpResponse:
        endpoint = _endpoint(request, pk)
        chosen = WebhookMessage.objects.filter(endpoint=endpoint, pk=message)
        found = chosen.first()
        if found is None:
            raise Http404("No such message.")
        outlook = [f"{found.type} of {found.created_at:%Y-%m-%d %H:%M} UTC is sent once more, as {found.webhook_id}."]
        refused = "The endpoint is off; switch it on first." if endpoint.off_at else ""
        refused = refused or ("It waits already." if found.due_at else "")
        return self._asked(
            request,
            endpoint,
            "Send again",
            outlook,
            lambda: endpoints.send_again(endpoint, chosen) > 0,
            refused,
            after=found.webhook_id,
        )

    def _asked(
        self,
        request: HttpRequest,
        endpoint: WebhookEndpoint,
        title: str,
        outlook: Sequence[str],
        do: Callable[[], bool],
        refused: str,
        after: str = "",
    ) -> HttpResponse:
        """Ask why, and do it once the page's form comes back with a reason."""
        form, back = (
            WhyForm(request.POST if request.method == "POST" else None),
            reverse("admin:blogs_webhookendpoint_change", args=[endpoint.pk]),
        )
        if form.is_valid():
            try:
                with transaction.atomic():
                    done = do()
                    if done:
                        action, reason = f"webhook_{title.lower().replace(' ', '_')}", form.cleaned_data["reason"]
                        audit.record(
                            actor(request),
                            action,
                            about(endpoint),
                            site_id=endpoint.site_id,
                            after=after,
                            reason=reason,
                        )
            except NotNow as not_now:
                self.message_user(request, str(not_now), messages.ERROR)
                return HttpResponseRedirect(back)
            told = (
                ("Done.", messages.SUCCESS) if done else ("It was so already; nothing was changed.", messages.WARNING)
            )
            self.message_user(request, *told)
            return HttpResponseRedirect(back)
        shown = {"title": f"{title}: {endpoint}", "button": title, "outlook": outlook, "refused": refused, "form": form}
        return render(
            request,
            "admin/confirm.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **shown, "back": back},
        )


def _endpoint(request: HttpRequest, pk: int) -> WebhookEndpoint:
    if not request.user.has_perm(_PERMISSION):
        raise PermissionDenied(f"You lack {_PERMISSION}.")
    found = WebhookEndpoint.objects.select_related("site").exclude(off_why=Off.DELETED).filter(pk=pk).first()
    if found is None:
        raise Http404("No such endpoint.")
    return found
