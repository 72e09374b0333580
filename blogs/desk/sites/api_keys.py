"""A site's API keys on its page: staff make and revoke them. A key is shown once, in the answer to the request that made it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from blogs import audit
from blogs.desk.base import DeskAdmin, actor
from wix.identity import api_keys
from wix.models import ApiKey, Site

KEYS_SHOWN = 50


class ApiKeyForm(forms.Form):
    label = forms.CharField(max_length=100, help_text="what it is for", widget=forms.TextInput(attrs={"size": 40}))
    days = forms.IntegerField(
        min_value=1,
        max_value=api_keys.DAYS_MAX,
        required=False,
        help_text="how many days it is valid; empty: until it is revoked",
    )


def urls(desk: DeskAdmin) -> list[URLPattern]:
    # `admin_view` below marks the answers, like all of the admin's, to be kept by no cache.
    @require_POST
    def make(request: HttpRequest, site_id: int) -> HttpResponse:
        return _make(desk, request, get_object_or_404(Site, pk=site_id))

    @require_POST
    def revoke(request: HttpRequest, site_id: int, key_id: int) -> HttpResponse:
        return _revoke(desk, request, get_object_or_404(ApiKey.objects.select_related("site"), pk=key_id, site=site_id))

    view = desk.admin_site.admin_view
    return [
        path("<int:site_id>/api-keys/", view(make), name="wix_site_api_keys"),
        path("<int:site_id>/api-keys/<int:key_id>/revoke/", view(revoke), name="wix_site_api_key_revoke"),
    ]


def context(request: HttpRequest, site: Site) -> dict[str, Any]:
    """Describe the keys for the site's page; those that can still be used come first."""
    if not request.user.has_perm("wix.view_apikey"):
        return {"api_keys": None}
    keys = site.api_keys.select_related("created_by").order_by("-revoked_at", "-id")
    return {
        "api_keys": keys[:KEYS_SHOWN],
        "api_key_form": ApiKeyForm() if request.user.has_perm("wix.add_apikey") and not site.removed_at else None,
        "may_revoke": request.user.has_perm("wix.change_apikey"),
    }


def _make(desk: DeskAdmin, request: HttpRequest, site: Site) -> HttpResponse:
    _require(desk, request, site, "wix.add_apikey")
    form = ApiKeyForm(request.POST)
    shown = {"title": f"New API key of {site}", "site_shown": site, "form": form}
    if form.is_valid():
        try:
            with transaction.atomic():
                wanted = form.cleaned_data
                made, key = api_keys.issue(site, wanted["label"], by=request.user, days=wanted["days"])
                audit.record(actor(request), "make_api_key", site, after=str(made))
            shown |= {"made": made, "key": key}
        except api_keys.TooManyKeys as error:
            form.add_error(None, str(error))
    return render(request, "admin/wix/site/api_key.html", {**desk.admin_site.each_context(request), **shown})


def _revoke(desk: DeskAdmin, request: HttpRequest, key: ApiKey) -> HttpResponse:
    _require(desk, request, key.site, "wix.change_apikey")
    with transaction.atomic():
        revoked = api_keys.revoke(key)
        if revoked:
            audit.record(actor(request), "revoke_api_key", key.site, before=str(key))
    if revoked:
        desk.message_user(request, f"{key} is revoked: whoever uses it is refused from now on.", messages.SUCCESS)
    else:
        desk.message_user(request, f"{key} was revoked before.", messages.WARNING)
    return HttpResponseRedirect(reverse("admin:wix_site_change", args=[key.site_id]))


def _require(desk: DeskAdmin, request: HttpRequest, site: Site, permission: str) -> None:
    if not (request.user.has_perm(permission) and desk.has_view_permission(request, site)):
        raise PermissionDenied
